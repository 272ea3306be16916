namespace MiniMaxSharp.Inference;

/// <summary>One part of a message: <c>{"type": …, "text": …, "name": …}</c>; a field that the JSON lacks is null.</summary>
/// <param name="Type">Kind of the part; only <c>text</c> carries text for the model.</param>
/// <param name="Text">The text.</param>
/// <param name="Name">Tool results only: the tool that answered.</param>
public sealed record ContentPart(string? Type, string? Text, string? Name = null)
{
    /// <summary>A part of type <c>text</c>.</summary>
    public static ContentPart OfText(string text, string? name = null) => new("text", text, name);

    /// <summary>True for text, also where the type is left out.</summary>
    internal bool IsText => Type == "text" || (Type is null && Text is not null);
}

/// <summary>How the content of a message was given; the templates treat the four differently.</summary>
public enum MessageContentKind
{
    /// <summary>The message has no content field.</summary>
    Absent,

    /// <summary>The content is JSON null.</summary>
    Null,

    /// <summary>The content is one string.</summary>
    Text,

    /// <summary>The content is a list of parts.</summary>
    Parts,
}

/// <summary>Content of a message: one string or a list of parts. Remembers which of the two it was.</summary>
public readonly struct MessageContent
{
    private readonly object? value;

    /// <summary>Content given as one string.</summary>
    public MessageContent(string text)
    {
        value = text;
        Kind = MessageContentKind.Text;
    }

    /// <summary>Content given as a list of parts.</summary>
    public MessageContent(IReadOnlyList<ContentPart> parts)
    {
        value = parts;
        Kind = MessageContentKind.Parts;
    }

    private MessageContent(MessageContentKind kind) => Kind = kind;

    /// <summary>Content given as JSON null.</summary>
    public static MessageContent Null => new(MessageContentKind.Null);

    /// <summary>How the content was given.</summary>
    public MessageContentKind Kind { get; }

    /// <summary>The string, or null when the content was not given as one.</summary>
    public string? Text => value as string;

    /// <summary>The parts; empty when the content was not given as a list.</summary>
    public IReadOnlyList<ContentPart> Parts => value as IReadOnlyList<ContentPart> ?? [];

    /// <summary>The string, or the text parts joined.</summary>
    public override string ToString() => Text ?? string.Concat(Parts.Where(part => part.IsText).Select(part => part.Text));
}

/// <summary>One call of a tool by the assistant.</summary>
/// <param name="Id">Identifier that a tool result refers to; null when none was given.</param>
/// <param name="Name">Name of the tool; null when the JSON lacks it.</param>
/// <param name="ArgumentsJson">JSON text of the arguments object; null when the JSON lacks it.</param>
public sealed record ToolCall(string? Id, string? Name, string? ArgumentsJson)
{
    /// <summary>True when the arguments came as a JSON string that holds JSON, as OpenAI clients send them.</summary>
    public bool ArgumentsWereString { get; init; }
}

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>; others are for the dialect to judge.</param>
/// <param name="Content">What it says.</param>
public sealed record ChatMessage(string Role, MessageContent Content)
{
    /// <summary>Calls of an assistant; null when the message has no such field.</summary>
    public IReadOnlyList<ToolCall>? ToolCalls { get; init; }

    /// <summary>True when the JSON says <c>"tool_calls": null</c>, which the vLLM template does not survive.</summary>
    public bool ToolCallsWereNull { get; init; }

    /// <summary>Name of the tool that answers (role <c>tool</c>), or of a participant.</summary>
    public string? Name { get; init; }

    /// <summary>The call that a tool result answers.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>What the assistant thought before it answered, without the tags.</summary>
    public string? ReasoningContent { get; init; }

    /// <summary>False when training does not learn this turn of the assistant: the JSON says <c>"weight": 0</c>, as in OpenAI's format for fine-tuning.</summary>
    public bool IsLearned { get; init; } = true;

    /// <summary>A system message of one text part.</summary>
    public static ChatMessage System(string text) => OfText("system", text);

    /// <summary>A user message of one text part.</summary>
    public static ChatMessage User(string text) => OfText("user", text);

    /// <summary>An assistant message of one text part.</summary>
    public static ChatMessage Assistant(string text, string? reasoning = null, IReadOnlyList<ToolCall>? toolCalls = null) =>
        OfText("assistant", text) with { ReasoningContent = reasoning, ToolCalls = toolCalls };

    /// <summary>The result of one tool call.</summary>
    public static ChatMessage Tool(string text, string? name = null, string? toolCallId = null) =>
        new("tool", new MessageContent([ContentPart.OfText(text, name)])) { Name = name, ToolCallId = toolCallId };

    private static ChatMessage OfText(string role, string text) => new(role, new MessageContent([ContentPart.OfText(text)]));
}
