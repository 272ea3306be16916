using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>Which prompt format a conversation is rendered in.</summary>
public enum ChatDialect
{
    /// <summary>The chat template that is shipped with MiniMax-M1, with everything it drops and refuses.</summary>
    Official,

    /// <summary>The template that vLLM recommends for MiniMax-M1.</summary>
    VLlm,

    /// <summary>
    /// The official layout with its gaps closed: string content, several text parts, tool calls of the assistant,
    /// tool results without a name, OpenAI tool objects, quoted names in the tool format line.
    /// </summary>
    Repaired,
}

/// <summary>What becomes of the <c>reasoning_content</c> of assistant turns; only the repaired dialect knows it.</summary>
public enum ReasoningHistory
{
    /// <summary>It is left out, as clients do.</summary>
    Strip,

    /// <summary>It stands between <c>&lt;think&gt;</c> tags before the answer.</summary>
    Keep,
}

/// <summary>Renders conversations to the prompt text of MiniMax-M1, with the loss mask for training.</summary>
public static partial class ChatRenderer
{
    private const string ToolsOpening = "system tool_setting=tools\nYou are provided with these tools:\n<tools>\n";
    private const string ToolHeader = "tool name=tools\n";

    /// <summary>Renders <paramref name="conversation"/>.</summary>
    /// <exception cref="InvalidInputException">The dialect cannot express a message; says which one and how to mend it.</exception>
    public static RenderedChat Render(Conversation conversation, ChatDialect dialect, ReasoningHistory reasoning = ReasoningHistory.Strip) => dialect switch
    {
        ChatDialect.Official => RenderOfficial(conversation),
        ChatDialect.VLlm => RenderVLlm(conversation),
        ChatDialect.Repaired => new RepairedTemplate(conversation, reasoning).Render(),
        _ => throw new ArgumentOutOfRangeException(nameof(dialect)),
    };

    /// <summary>The system turn that offers the tools.</summary>
    /// <param name="writer">Takes the turn.</param>
    /// <param name="tools">One JSON text per tool.</param>
    /// <param name="callFormat">How a call is to be written, as the template words it.</param>
    private static void WriteTools(ChatWriter writer, IEnumerable<string> tools, string callFormat)
    {
        writer.Open(ToolsOpening);
        var text = new StringBuilder();
        foreach (var tool in tools)
        {
            text.Append(tool).Append('\n');
        }

        text.Append("</tools>\n\nIf you need to call tools, please respond with <tool_calls></tool_calls> XML tags, and provide tool-name ")
            .Append("and json-object of arguments, following the format below:\n<tool_calls>\n")
            .Append(callFormat)
            .Append("\n...\n</tool_calls>");
        writer.Plain(text.ToString());
        writer.Close();
    }

    private static string ToolResult(string? name, string text) =>
        name is null ? $"tool result: {text}\n\n" : $"tool name: {name}\ntool result: {text}\n\n";

    private static string Describe(MessageContentKind kind) => kind switch
    {
        MessageContentKind.Absent => "missing",
        MessageContentKind.Null => "null",
        MessageContentKind.Text => "a string",
        _ => "a list",
    };
}
