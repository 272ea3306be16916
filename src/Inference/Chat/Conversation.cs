using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>What a prompt is rendered from: messages, the tools on offer, and whether the assistant's turn is opened at the end.</summary>
/// <param name="Messages">The messages, oldest first.</param>
public sealed record Conversation(IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>The tools, one JSON object each. Null and an empty list differ in the vLLM template.</summary>
    public IReadOnlyList<JsonElement>? Tools { get; init; }

    /// <summary>Opens the assistant's turn at the end.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Reads <c>{"messages": […], "tools": […], "add_generation_prompt": true}</c> from UTF-8.</summary>
    /// <param name="utf8">The JSON text; a byte order mark is allowed.</param>
    /// <param name="source">Name of the text for error messages, such as a file name.</param>
    /// <exception cref="InvalidInputException">The text is no JSON or a field is malformed; the message names its path.</exception>
    public static Conversation Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        var text = utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = PythonJson.MaxDepth });
            return Parse(document.RootElement.Clone(), source);
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{source}: not valid JSON: {exception.Message}", exception);
        }
    }

    /// <summary>Reads <c>{"messages": […], "tools": […], "add_generation_prompt": true}</c>; other fields are left alone.</summary>
    /// <param name="root">The object. Its tools are kept, so its document must live as long as the conversation (or be a clone).</param>
    /// <param name="source">Name of the text for error messages, such as a file name.</param>
    /// <exception cref="InvalidInputException">A field is malformed; the message names its path.</exception>
    public static Conversation Parse(JsonElement root, string source)
    {
        try
        {
            var reader = new ConversationReader(source);
            reader.Require(root, JsonValueKind.Object, "the document", """an object such as {"messages": [{"role": "user", "content": "Hello"}]}""");
            return new Conversation(reader.ReadMessages(root))
            {
                Tools = reader.ReadTools(root),
                AddGenerationPrompt = reader.ReadFlag(root, "add_generation_prompt", otherwise: true),
            };
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidInputException($"{source}: a JSON key escapes half a character (a lone surrogate). Escape both halves.", exception);
        }
    }
}
