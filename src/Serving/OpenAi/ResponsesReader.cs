using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Reads requests of <c>/v1/responses</c>. Nothing is stored, so a response that builds on an earlier one is refused.</summary>
internal static class ResponsesReader
{
    /// <summary>Reads a request.</summary>
    public static ChatCall Read(RequestFields fields)
    {
        foreach (var name in new[] { "previous_response_id", "conversation" })
        {
            if (fields.Has(name))
            {
                throw ApiException.BadField(name, $"{name} is not supported: this server stores no responses. Send the whole conversation as input.");
            }
        }

        if (fields.Flag("background") ?? false)
        {
            throw ApiException.BadField("background", "background is not supported. Use stream instead.");
        }

        var messages = new List<ChatMessage>();
        if (fields.Text("instructions") is { } instructions)
        {
            messages.Add(ChatMessage.System(instructions));
        }

        AddInput(fields, messages);
        var tools = fields.Objects("tools").Select(Tool).ToArray();
        return new ChatCall(
            new Conversation(messages) { Tools = OutputConstraints.OffersTools(fields) && tools.Length > 0 ? tools : null },
            SamplingFields.Read(fields, fields.Integer("max_output_tokens")),
            ThinkingFields.Read(fields))
        { Rule = OutputConstraints.Read(fields, tools) };
    }

    /// <summary>The tool as the chat format shows it.</summary>
    public static JsonElement ToolElement(string name, string? description, RequestFields? parameters)
    {
        var json = new JsonObject { ["name"] = name };
        if (description is not null)
        {
            json["description"] = description;
        }

        json["parameters"] = parameters is { } schema ? JsonNode.Parse(schema.Element.GetRawText()) : new JsonObject { ["type"] = "object" };
        using var document = JsonDocument.Parse(Exchange.ToUtf8(json), new JsonDocumentOptions { MaxDepth = 512 });
        return document.RootElement.Clone();
    }

    private static JsonElement Tool(RequestFields tool) => tool.RequiredText("type") == "function"
        ? ToolElement(tool.RequiredText("name"), tool.Text("description"), tool.Object("parameters"))
        : throw ApiException.BadField(tool.Path("type"), $"{tool.Path("type")}: only tools of type function are supported.");

    private static void AddInput(RequestFields fields, List<ChatMessage> messages)
    {
        if (!fields.Has("input"))
        {
            throw fields.Missing("input", "a string or a list of items");
        }

        if (fields.Element.GetProperty("input").ValueKind == JsonValueKind.String)
        {
            messages.Add(ChatMessage.User(fields.RequiredText("input")));
            return;
        }

        string? reasoning = null;
        foreach (var item in fields.Objects("input"))
        {
            switch (item.Text("type") ?? "message")
            {
                case "message":
                    messages.Add(Message(item, ref reasoning));
                    break;
                case "reasoning":
                    reasoning = string.Concat(item.Objects("content").Select(part => part.Text("text")));
                    break;
                case "function_call":
                    AddCall(item, messages, ref reasoning);
                    break;
                case "function_call_output":
                    messages.Add(ChatMessage.Tool(Output(item), toolCallId: item.RequiredText("call_id")));
                    break;
                case var type:
                    throw ApiException.BadField(item.Path("type"), $"{item.Path("type")}: items of type '{type}' are not supported.");
            }
        }
    }

    private static ChatMessage Message(RequestFields item, ref string? reasoning)
    {
        var role = item.RequiredText("role");
        if (role is not ("system" or "developer" or "user" or "assistant"))
        {
            throw ApiException.BadField(item.Path("role"), $"{item.Path("role")} is '{role}'; it must be system, developer, user or assistant.");
        }

        var message = new ChatMessage(role, new MessageContent(Content(item, "content")))
        {
            ReasoningContent = role == "assistant" ? reasoning : null,
        };
        reasoning = null;
        return message;
    }

    /// <summary>Text of a field that is a string or a list of text parts.</summary>
    private static string Content(RequestFields item, string name)
    {
        if (item.Has(name) && item.Element.GetProperty(name).ValueKind == JsonValueKind.String)
        {
            return item.RequiredText(name);
        }

        return string.Concat(item.Objects(name).Select(part => part.RequiredText("type") is "input_text" or "output_text" or "text"
            ? part.RequiredText("text")
            : throw ApiException.BadField(part.Path("type"), $"{part.Path("type")} is '{part.Text("type")}'; MiniMax-M1 reads text only.")));
    }

    private static string Output(RequestFields item) =>
        item.Has("output") ? Content(item, "output") : throw item.Missing("output", "a string");

    /// <summary>Calls in a row belong to one turn, and to the message before them.</summary>
    private static void AddCall(RequestFields item, List<ChatMessage> messages, ref string? reasoning)
    {
        var call = new ToolCall(item.RequiredText("call_id"), item.RequiredText("name"), item.Text("arguments") ?? "{}");
        if (messages.Count > 0 && messages[^1].Role == "assistant")
        {
            messages[^1] = messages[^1] with { ToolCalls = [.. messages[^1].ToolCalls ?? [], call] };
            return;
        }

        messages.Add(ChatMessage.Assistant("", reasoning, [call]));
        reasoning = null;
    }
}
