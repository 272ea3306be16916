using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>Messages as the JSON of OpenAI, which is also that of training files.</summary>
internal static class ChatMessageJson
{
    /// <summary>The messages with content as strings.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="withReasoning">Adds <c>reasoning_content</c>.</param>
    public static JsonArray Of(IEnumerable<ChatMessage> messages, bool withReasoning) => new([.. messages.Select(message => (JsonNode)Of(message, withReasoning))]);

    private static JsonObject Of(ChatMessage message, bool withReasoning)
    {
        var json = new JsonObject { ["role"] = message.Role };
        if (withReasoning && message.ReasoningContent is { Length: > 0 } reasoning)
        {
            json["reasoning_content"] = reasoning;
        }

        json["content"] = message.Content.ToString();
        if (message.ToolCalls is { Count: > 0 } calls)
        {
            json["tool_calls"] = new JsonArray([.. calls.Select((call, i) => (JsonNode)new JsonObject
            {
                ["id"] = call.Id ?? $"call_{i}",
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.ArgumentsJson ?? "{}" },
            })]);
        }

        if (message.ToolCallId is { } id)
        {
            json["tool_call_id"] = id;
        }

        if (message.Role == "tool" && (message.Name ?? message.Content.Parts.FirstOrDefault()?.Name) is { } name)
        {
            json["name"] = name;
        }

        return json;
    }
}
