using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <content>The template of vLLM's <c>examples/tool_chat_template_minimax_m1.jinja</c>.</content>
public static partial class ChatRenderer
{
    private const string VLlmAssistantHeader = "ai name=MiniMax AI\n";
    private const string VLlmDefaultSystem = "You are a helpful assistant created by Minimax based on MiniMax-M1 model.";
    private const string QuotedCallFormat = "{\"name\": <tool-name>, \"arguments\": <args-json-object>}";

    private static RenderedChat RenderVLlm(Conversation conversation)
    {
        var messages = conversation.Messages;
        if (messages.Count == 0)
        {
            throw VLlmRefuses("messages is empty, but the template reads messages[0]; give at least one message");
        }

        // Only a first system message counts; later ones are dropped.
        var hasSystem = messages[0].Role == "system";
        var system = hasSystem ? VLlmSystem(messages[0].Content) : VLlmDefaultSystem;
        var writer = new ChatWriter();
        if (system.Length > 0)
        {
            writer.Open("system ai_setting=MiniMax AI\n");
            writer.Plain(system);
            writer.Close();
        }

        if (conversation.Tools is { } tools)
        {
            WriteTools(writer, tools.Select(PythonJson.Write), QuotedCallFormat);
        }

        for (var i = hasSystem ? 1 : 0; i < messages.Count; i++)
        {
            WriteVLlmMessage(writer, messages[i], i);
        }

        if (conversation.AddGenerationPrompt)
        {
            writer.Open(VLlmAssistantHeader);
        }

        return writer.ToRendered();
    }

    private static string VLlmSystem(MessageContent content)
    {
        if (content.Kind != MessageContentKind.Text && content.Parts.Count == 0)
        {
            throw VLlmRefuses($"messages[0].content is {(content.Kind == MessageContentKind.Parts ? "an empty list" : Describe(content.Kind))}; give it text");
        }

        return PythonText.Strip(content.Text ?? content.Parts[0].Text ?? "");
    }

    private static void WriteVLlmMessage(ChatWriter writer, ChatMessage message, int index)
    {
        if (message.ToolCalls is not null || message.ToolCallsWereNull)
        {
            WriteVLlmCalls(writer, message, index);
            return;
        }

        var role = message.Role;
        if (role is not ("user" or "assistant" or "tool" or "ipython"))
        {
            return;
        }

        // The assistant's parts pass a Jinja filter, which takes null for an empty list.
        if (message.Content.Kind == MessageContentKind.Null && role != "assistant")
        {
            throw VLlmRefuses($"messages[{index}].content is null; use a string or a list of parts");
        }

        if (role is "tool" or "ipython")
        {
            writer.Open(ToolHeader);
            WriteVLlmResults(writer, message.Content, index);
            writer.Close();
            return;
        }

        var inLoss = role == "assistant";
        writer.Open(inLoss ? VLlmAssistantHeader : "user name=user\n");
        writer.Plain(PythonText.Strip(message.Content.Text ?? ""), inLoss);
        foreach (var part in message.Content.Parts)
        {
            writer.Plain(part.Type == "text" ? PythonText.Strip(part.Text ?? "") : "", inLoss);
        }

        writer.Close(inLoss);
    }

    /// <summary>A message with tool calls is an assistant turn, whatever its role, and its content is dropped.</summary>
    private static void WriteVLlmCalls(ChatWriter writer, ChatMessage message, int index)
    {
        var calls = message.ToolCalls
            ?? throw VLlmRefuses($"messages[{index}].tool_calls is null, but the template walks over its calls; leave the field out");
        var text = new StringBuilder("<tool_calls>\n");
        foreach (var (position, call) in calls.Index())
        {
            if (call.Name is null || call.ArgumentsJson is null)
            {
                throw VLlmRefuses($"messages[{index}].tool_calls[{position}].function needs both name and arguments");
            }

            text.Append("{\"name\": \"").Append(call.Name).Append("\", \"arguments\": ");
            if (call.ArgumentsWereString)
            {
                PythonJson.AppendString(text, call.ArgumentsJson);
            }
            else
            {
                text.Append(CanonicalJson(call.ArgumentsJson, $"messages[{index}].tool_calls[{position}].function.arguments"));
            }

            text.Append("}\n");
        }

        writer.Open(VLlmAssistantHeader);
        writer.Plain(text.Append("</tool_calls>").ToString(), inLoss: true);
        writer.Close(inLoss: true);
    }

    private static void WriteVLlmResults(ChatWriter writer, MessageContent content, int index)
    {
        if (content.Text is { } text)
        {
            writer.Plain(ToolResult(name: null, text));
        }

        foreach (var (position, part) in content.Parts.Index())
        {
            var named = !string.IsNullOrEmpty(part.Name);
            if (part.Type == "text" || named)
            {
                var result = part.Text ?? throw VLlmRefuses($"messages[{index}].content[{position}].text is missing");
                writer.Plain(ToolResult(part.Type == "text" ? null : part.Name, result));
            }
        }
    }

    /// <summary>JSON text in Python's layout.</summary>
    private static string CanonicalJson(string json, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = PythonJson.MaxDepth });
            return PythonJson.Write(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidInputException)
        {
            throw new InvalidInputException($"{path} is not valid JSON: {exception.Message}", exception);
        }
    }

    private static InvalidInputException VLlmRefuses(string problem) => new($"{problem} (vLLM template). Or use the repaired dialect.");
}
