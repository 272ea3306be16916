using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>Reads the parts of a conversation from JSON; every error names the path of the field.</summary>
internal readonly struct ConversationReader(string source)
{
    public List<ChatMessage> ReadMessages(JsonElement root)
    {
        if (!root.TryGetProperty("messages", out var list))
        {
            throw Bad("messages", "is missing; give a list of messages");
        }

        Require(list, JsonValueKind.Array, "messages", "a list of messages");
        var messages = new List<ChatMessage>();
        foreach (var item in list.EnumerateArray())
        {
            messages.Add(ReadMessage(item, $"messages[{messages.Count}]"));
        }

        return messages;
    }

    public List<JsonElement>? ReadTools(JsonElement root)
    {
        if (!root.TryGetProperty("tools", out var list) || list.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        Require(list, JsonValueKind.Array, "tools", "a list of tools or null");
        var tools = new List<JsonElement>();
        foreach (var item in list.EnumerateArray())
        {
            Require(item, JsonValueKind.Object, $"tools[{tools.Count}]", "an object that describes a tool");
            tools.Add(item);
        }

        return tools;
    }

    public bool ReadFlag(JsonElement root, string name, bool otherwise)
    {
        if (!root.TryGetProperty(name, out var value))
        {
            return otherwise;
        }

        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Bad(name, "must be true or false"),
        };
    }

    public void Require(JsonElement element, JsonValueKind kind, string path, string wanted)
    {
        if (element.ValueKind != kind)
        {
            throw Bad(path, $"must be {wanted}, but it is {Describe(element)}");
        }
    }

    private ChatMessage ReadMessage(JsonElement item, string path)
    {
        Require(item, JsonValueKind.Object, path, "an object with role and content");
        var role = ReadString(item, "role", path) ?? throw Bad($"{path}.role", "is missing; use system, user, assistant or tool");
        var hasCalls = item.TryGetProperty("tool_calls", out var calls);
        return new ChatMessage(role, ReadContent(item, path))
        {
            ToolCalls = hasCalls && calls.ValueKind != JsonValueKind.Null ? ReadCalls(calls, $"{path}.tool_calls") : null,
            ToolCallsWereNull = hasCalls && calls.ValueKind == JsonValueKind.Null,
            Name = ReadString(item, "name", path),
            ToolCallId = ReadString(item, "tool_call_id", path),
            ReasoningContent = ReadString(item, "reasoning_content", path),
            IsLearned = ReadWeight(item, path),
        };
    }

    private bool ReadWeight(JsonElement item, string path)
    {
        if (!item.TryGetProperty("weight", out var weight))
        {
            return true;
        }

        return weight.ValueKind == JsonValueKind.Number && weight.GetDouble() is 0 or 1 ? weight.GetDouble() == 1 : throw Bad($"{path}.weight", "must be 0 or 1");
    }

    private MessageContent ReadContent(JsonElement item, string messagePath)
    {
        if (!item.TryGetProperty("content", out var content))
        {
            return default;
        }

        var path = $"{messagePath}.content";
        if (content.ValueKind == JsonValueKind.Null)
        {
            return MessageContent.Null;
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return new MessageContent(GetString(content, path));
        }

        Require(content, JsonValueKind.Array, path, "a string, null or a list of parts");
        var parts = new List<ContentPart>();
        foreach (var part in content.EnumerateArray())
        {
            var partPath = $"{path}[{parts.Count}]";
            Require(part, JsonValueKind.Object, partPath, """an object such as {"type": "text", "text": "…"}""");
            parts.Add(new ContentPart(ReadString(part, "type", partPath), ReadText(part, partPath), ReadString(part, "name", partPath)));
        }

        return new MessageContent(parts);
    }

    /// <summary>The text of a part. JSON null is refused: the templates would print Python's "None".</summary>
    private string? ReadText(JsonElement part, string path)
    {
        if (!part.TryGetProperty("text", out var text))
        {
            return null;
        }

        Require(text, JsonValueKind.String, $"{path}.text", "a string");
        return GetString(text, $"{path}.text");
    }

    private List<ToolCall> ReadCalls(JsonElement list, string path)
    {
        Require(list, JsonValueKind.Array, path, "a list of calls");
        var calls = new List<ToolCall>();
        foreach (var item in list.EnumerateArray())
        {
            var callPath = $"{path}[{calls.Count}]";
            Require(item, JsonValueKind.Object, callPath, """an object such as {"id": "…", "function": {"name": "…", "arguments": {…}}}""");
            string? name = null;
            string? arguments = null;
            var wereString = false;
            if (item.TryGetProperty("function", out var function))
            {
                Require(function, JsonValueKind.Object, $"{callPath}.function", "an object with name and arguments");
                name = ReadString(function, "name", $"{callPath}.function");
                if (function.TryGetProperty("arguments", out var value))
                {
                    wereString = value.ValueKind == JsonValueKind.String;
                    arguments = wereString ? GetString(value, $"{callPath}.function.arguments") : value.GetRawText();
                }
            }

            calls.Add(new ToolCall(ReadString(item, "id", callPath), name, arguments) { ArgumentsWereString = wereString });
        }

        return calls;
    }

    /// <summary>A string field; null when it is missing or JSON null.</summary>
    private string? ReadString(JsonElement item, string name, string path)
    {
        if (!item.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        Require(value, JsonValueKind.String, $"{path}.{name}", "a string");
        return GetString(value, $"{path}.{name}");
    }

    private string GetString(JsonElement element, string path)
    {
        try
        {
            return PythonJson.GetString(element);
        }
        catch (InvalidInputException exception)
        {
            throw new InvalidInputException($"{source}: {path}: {exception.Message}", exception);
        }
    }

    private InvalidInputException Bad(string path, string what) => new($"{source}: {path} {what}.");

    private static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
