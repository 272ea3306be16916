using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Reads requests of Anthropic's <c>/v1/messages</c>.</summary>
internal sealed class MessagesReader(RequestFields fields)
{
    // Each mark costs a rendering of the prompt up to it; the protocol allows as many.
    private const int MaxCacheMarks = 4;

    private readonly List<ChatMessage> messages = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<string, string> toolNames = new(StringComparer.Ordinal);

    /// <summary>Reads a request.</summary>
    /// <param name="fields">The request.</param>
    /// <param name="needsMaxTokens">False for counting tokens, where <c>max_tokens</c> may be missing.</param>
    public static ChatCall Read(RequestFields fields, bool needsMaxTokens) => new MessagesReader(fields).Read(needsMaxTokens);

    /// <summary>Signature of a thinking block: it shows whether a client sends back what it was given.</summary>
    public static string Signature(string thinking) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"minimax thinking\n{thinking}")));

    private ChatCall Read(bool needsMaxTokens)
    {
        var maxTokens = fields.Integer("max_tokens");
        if (needsMaxTokens && maxTokens is null)
        {
            throw fields.Missing("max_tokens", "the largest number of tokens to generate");
        }

        if (fields.Has("system"))
        {
            messages.Add(ChatMessage.System(string.Join("\n\n", Texts("system"))));
        }

        foreach (var message in fields.Objects("messages"))
        {
            AddMessage(message);
        }

        if (marks.Count > MaxCacheMarks)
        {
            throw ApiException.BadField("messages", $"{marks.Count} messages have cache_control; at most {MaxCacheMarks} may.");
        }

        if (messages.All(message => message.Role == "system"))
        {
            throw ApiException.BadField("messages", "messages is empty; give at least one message.");
        }

        var tools = fields.Objects("tools").Select(Tool).ToArray();
        return new ChatCall(
            new Conversation(messages) { Tools = OutputConstraints.OffersTools(fields) && tools.Length > 0 ? tools : null },
            SamplingFields.Read(fields, maxTokens),
            ThinkingFields.Read(fields))
        { CacheMarks = marks, Rule = OutputConstraints.Read(fields, tools) };
    }

    /// <summary>A field that is a string or a list of text blocks.</summary>
    private IEnumerable<string> Texts(string name) => fields.Element.GetProperty(name).ValueKind == JsonValueKind.String
        ? [fields.RequiredText(name)]
        : fields.Objects(name).Select(Text);

    private static string Text(RequestFields block) => block.RequiredText("type") == "text"
        ? block.RequiredText("text")
        : throw ApiException.BadField(block.Path("type"), $"{block.Path("type")} is '{block.Text("type")}'; MiniMax-M1 reads text only.");

    private static JsonElement Tool(RequestFields tool) => tool.Text("type") is null or "custom"
        ? ResponsesReader.ToolElement(tool.RequiredText("name"), tool.Text("description"), tool.Object("input_schema") ?? throw tool.Missing("input_schema", "a JSON schema"))
        : throw ApiException.BadField(tool.Path("type"), $"{tool.Path("type")}: tools that the server runs are not supported.");

    private void AddMessage(RequestFields message)
    {
        var role = message.RequiredText("role");
        if (!message.Has("content"))
        {
            throw message.Missing("content", "a string or a list of blocks");
        }

        var isText = message.Element.GetProperty("content").ValueKind == JsonValueKind.String;
        switch (role)
        {
            case "user" or "assistant" or "system" when isText:
                messages.Add(new ChatMessage(role, new MessageContent(message.RequiredText("content"))));
                break;
            case "user":
                AddUser([.. message.Objects("content")]);
                break;
            case "assistant":
                AddAssistant([.. message.Objects("content")]);
                break;
            case "system":
                messages.Add(ChatMessage.System(string.Concat(message.Objects("content").Select(Text))));
                break;
            default:
                throw ApiException.BadField(message.Path("role"), $"{message.Path("role")} is '{role}'; it must be user or assistant.");
        }

        if (!isText && message.Objects("content").Any(block => block.Has("cache_control")))
        {
            marks.Add(messages.Count);
        }
    }

    /// <summary>Tool results come first, as one turn; the rest is what the user says.</summary>
    private void AddUser(RequestFields[] blocks)
    {
        var results = blocks.Where(block => block.Text("type") == "tool_result").ToArray();
        if (results.Length > 0)
        {
            messages.Add(new ChatMessage("tool", new MessageContent([.. results.Select(Result)])));
        }

        if (blocks.Length > results.Length)
        {
            messages.Add(new ChatMessage("user", new MessageContent(string.Concat(blocks.Where(block => block.Text("type") != "tool_result").Select(Text)))));
        }
    }

    private ContentPart Result(RequestFields block)
    {
        var id = block.RequiredText("tool_use_id");
        if (!toolNames.TryGetValue(id, out var name))
        {
            throw ApiException.BadField(block.Path("tool_use_id"), $"{block.Path("tool_use_id")} '{id}' belongs to no tool_use before it.");
        }

        var text = !block.Has("content") ? ""
            : block.Element.GetProperty("content").ValueKind == JsonValueKind.String ? block.RequiredText("content")
            : string.Concat(block.Objects("content").Select(Text));
        return ContentPart.OfText(block.Flag("is_error") == true ? $"error: {text}" : text, name);
    }

    private void AddAssistant(RequestFields[] blocks)
    {
        var (text, thinking, calls) = (new StringBuilder(), new StringBuilder(), new List<ToolCall>());
        foreach (var block in blocks)
        {
            switch (block.RequiredText("type"))
            {
                case "text":
                    text.Append(block.RequiredText("text"));
                    break;
                case "thinking":
                    thinking.Append(CheckedThinking(block));
                    break;
                case "redacted_thinking":
                    break;
                case "tool_use":
                    var call = new ToolCall(block.RequiredText("id"), block.RequiredText("name"), block.Object("input")?.Element.GetRawText() ?? "{}");
                    toolNames[call.Id!] = call.Name!;
                    calls.Add(call);
                    break;
                case var type:
                    throw ApiException.BadField(block.Path("type"), $"{block.Path("type")}: blocks of type '{type}' are not supported.");
            }
        }

        messages.Add(ChatMessage.Assistant(text.ToString(), thinking.Length > 0 ? thinking.ToString() : null, calls.Count > 0 ? calls : null));
    }

    private static string CheckedThinking(RequestFields block)
    {
        var thinking = block.RequiredText("thinking");
        return block.Text("signature") is { Length: > 0 } signature && signature != Signature(thinking)
            ? throw ApiException.BadField(block.Path("signature"), $"{block.Path("signature")} does not fit its thinking. Send thinking blocks back unchanged, or leave them out.")
            : thinking;
    }
}
