using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>.</summary>
internal static class Messages
{
    /// <summary>Answers one request.</summary>
    public static async Task Handle(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        var call = MessagesReader.Read(fields, needsMaxTokens: true);
        exchange.LogPrompt(call.Conversation);
        using var generation = GenerationCall.Begin(exchange, "chat", call.ToRequest(exchange.Server));
        var id = exchange.NewId("msg_");
        if (fields.Flag("stream") ?? false)
        {
            await EventStream.Run(
                exchange,
                stream => new MessageEvents(exchange, stream, id).Write(call, generation),
                (stream, error) => stream.Send(error.ToJson(Protocol.Anthropic, exchange.RequestId), "error")).ConfigureAwait(false);
            return;
        }

        var answer = (await ChatAnswer.Collect(exchange, call, generation).ConfigureAwait(false))[0];
        var message = Frame(exchange, id, Usage(generation));
        message["content"] = Content(answer);
        message["stop_reason"] = StopReason(answer.FinishReason, answer.StopText);
        message["stop_sequence"] = answer.StopText;
        await exchange.WriteJson(message).ConfigureAwait(false);
    }

    /// <summary>Counts the tokens of a prompt.</summary>
    public static async Task CountTokens(Exchange exchange)
    {
        var fields = await exchange.ReadBody().ConfigureAwait(false);
        OpenAiJson.CheckModel(fields, exchange.Server);
        var call = MessagesReader.Read(fields, needsMaxTokens: false);
        await exchange.WriteJson(new JsonObject { ["input_tokens"] = ChatCall.Prompt(exchange.Server, call.Conversation).Length }).ConfigureAwait(false);
    }

    /// <summary>A message without content.</summary>
    public static JsonObject Frame(Exchange exchange, string id, JsonObject usage) => new()
    {
        ["id"] = id,
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = exchange.Server.Model.Name,
        ["content"] = new JsonArray(),
        ["stop_reason"] = null,
        ["stop_sequence"] = null,
        ["usage"] = usage,
    };

    /// <summary>Anthropic counts cached tokens apart from the rest of the input. The reason of a miss is an addition to the protocol.</summary>
    public static JsonObject Usage(GenerationCall generation)
    {
        var usage = generation.Usage;
        var json = new JsonObject
        {
            ["input_tokens"] = usage.Prompt - usage.Cached,
            ["cache_creation_input_tokens"] = 0,
            ["cache_read_input_tokens"] = usage.Cached,
            ["output_tokens"] = usage.Completion,
        };
        if (generation.CacheMissReason is { } reason)
        {
            json["cache_miss_reason"] = reason;
        }

        return json;
    }

    /// <summary>The name of a finish reason.</summary>
    public static string StopReason(FinishReason reason, string? stopText) => reason switch
    {
        FinishReason.ToolCalls => "tool_use",
        FinishReason.Length => "max_tokens",
        FinishReason.Repetition => "repetition",
        _ => stopText is null ? "end_turn" : "stop_sequence",
    };

    private static JsonArray Content(ChatAnswer answer)
    {
        var content = new JsonArray();
        if (answer.Reasoning.Length > 0)
        {
            content.Add((JsonNode)new JsonObject
            {
                ["type"] = "thinking",
                ["thinking"] = answer.Reasoning,
                ["signature"] = MessagesReader.Signature(answer.Reasoning),
            });
        }

        if (answer.Content.Length > 0)
        {
            content.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = answer.Content });
        }

        foreach (var call in answer.ToolCalls)
        {
            content.Add((JsonNode)new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = JsonNode.Parse(call.ArgumentsJson!) });
        }

        return content;
    }
}
