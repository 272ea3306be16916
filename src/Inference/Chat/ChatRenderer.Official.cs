namespace MiniMaxSharp.Inference;

/// <content>The template of the official <c>tokenizer_config.json</c>.</content>
public static partial class ChatRenderer
{
    private const string AssistantHeader = "ai name=assistant\n";
    private const string SystemHeader = "system ai_setting=assistant\n";

    private static RenderedChat RenderOfficial(Conversation conversation)
    {
        var writer = new ChatWriter();
        var messages = conversation.Messages;
        var system = string.Concat(messages.Select((message, i) => message.Role == "system" ? FirstText(message, i) : ""));
        if (system.Length > 0)
        {
            writer.Open(SystemHeader);
            writer.Plain(system);
            writer.Close();
        }

        if (conversation.Tools is { Count: > 0 } tools)
        {
            // The template's quotes end and start Jinja strings, so that none are left around the names.
            WriteTools(writer, tools.Select(PythonJson.Write), "{name: <tool-name-1>, arguments: <args-json-object-1>}");
        }

        for (var i = 0; i < messages.Count; i++)
        {
            switch (messages[i].Role)
            {
                case "user":
                    writer.Open("user name=user\n");
                    writer.Plain(FirstText(messages[i], i));
                    writer.Close();
                    break;
                case "assistant":
                    WriteOfficialAssistant(writer, messages[i]);
                    break;
                case "tool":
                    WriteOfficialTool(writer, messages[i], i);
                    break;
            }
        }

        if (conversation.AddGenerationPrompt)
        {
            writer.Open(AssistantHeader);
        }

        return writer.ToRendered();
    }

    /// <summary><c>content[0].text</c>, all that the template reads of system and user messages.</summary>
    private static string FirstText(ChatMessage message, int index)
    {
        if (message.Content.Kind != MessageContentKind.Parts)
        {
            throw OfficialRefuses($"messages[{index}].content is {Describe(message.Content.Kind)}, but a list of parts is needed");
        }

        return message.Content.Parts is [{ Text: { } text }, ..]
            ? text
            : throw OfficialRefuses($"messages[{index}].content[0].text is missing; the first part must be text");
    }

    /// <summary>Text parts only: string content, null and tool calls are dropped, as the template does.</summary>
    private static void WriteOfficialAssistant(ChatWriter writer, ChatMessage message)
    {
        writer.Open(AssistantHeader);
        foreach (var part in message.Content.Parts)
        {
            writer.Plain(part.Type == "text" ? part.Text ?? "" : "", inLoss: true);
        }

        writer.Close(inLoss: true);
    }

    private static void WriteOfficialTool(ChatWriter writer, ChatMessage message, int index)
    {
        // Jinja walks over the characters of a string, so that only the empty one passes.
        if (message.Content.Kind == MessageContentKind.Null || message.Content.Text is { Length: > 0 })
        {
            throw OfficialRefuses($"messages[{index}].content is {Describe(message.Content.Kind)}, but a list of parts with name and text is needed");
        }

        writer.Open(ToolHeader);
        foreach (var (position, part) in message.Content.Parts.Index())
        {
            if (part.Name is null || part.Text is null)
            {
                throw OfficialRefuses($"messages[{index}].content[{position}] needs both name and text");
            }

            writer.Plain(ToolResult(part.Name, part.Text));
        }

        writer.Close();
    }

    private static InvalidInputException OfficialRefuses(string problem) =>
        new($"{problem} (official template). Use parts such as [{{\"type\": \"text\", \"text\": \"…\"}}], or the repaired dialect.");
}
