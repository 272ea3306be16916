using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>The stream of a chat completion: a chunk with the role first, then deltas, the finish reason, the usage when asked for, and <c>[DONE]</c>.</summary>
internal sealed class ChatChunks(Exchange exchange, ChatCall call, bool includeUsage)
{
    private readonly string id = exchange.NewId("chatcmpl-");

    public async Task Write(EventStream stream, GenerationCall generation)
    {
        for (var choice = 0; choice < call.Count; choice++)
        {
            await stream.Send(Chunk(choice, new JsonObject { ["role"] = "assistant", ["content"] = "" })).ConfigureAwait(false);
        }

        var tokenizer = exchange.Server.Model.Tokenizer;
        await foreach (var step in ChatSteps.Of(exchange, call, generation).ConfigureAwait(false))
        {
            JsonNode? logProbs = LogProbJson.OfChat(step.Token, tokenizer) is { } token ? new JsonObject { ["content"] = new JsonArray(token) } : null;
            foreach (var delta in step.Deltas)
            {
                if (ToJson(delta) is { } json)
                {
                    await stream.Send(Chunk(step.Choice, json, logProbs)).ConfigureAwait(false);
                    logProbs = null;
                }
            }

            if (logProbs is not null || step.FinishReason is not null)
            {
                await stream.Send(Chunk(step.Choice, [], logProbs, step.FinishReason)).ConfigureAwait(false);
            }
        }

        if (includeUsage)
        {
            var last = Frame([]);
            last["usage"] = OpenAiJson.Usage(generation);
            await stream.Send(last).ConfigureAwait(false);
        }

        await stream.SendDone().ConfigureAwait(false);
    }

    private static JsonObject? ToJson(ChatDelta delta) => delta.Kind switch
    {
        ChatDeltaKind.Reasoning => new JsonObject { ["reasoning_content"] = delta.Text },
        ChatDeltaKind.Content => new JsonObject { ["content"] = delta.Text },
        ChatDeltaKind.ToolCallStart => ToolCall(new JsonObject
        {
            ["index"] = delta.ToolIndex,
            ["id"] = delta.ToolCallId,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = delta.Text, ["arguments"] = "" },
        }),
        ChatDeltaKind.ToolCallArguments => ToolCall(new JsonObject
        {
            ["index"] = delta.ToolIndex,
            ["function"] = new JsonObject { ["arguments"] = delta.Text },
        }),
        _ => null,
    };

    private static JsonObject ToolCall(JsonObject one) => new() { ["tool_calls"] = new JsonArray(one) };

    private JsonObject Chunk(int choice, JsonObject delta, JsonNode? logProbs = null, FinishReason? finish = null) => Frame(new JsonArray(new JsonObject
    {
        ["index"] = choice,
        ["delta"] = delta,
        ["logprobs"] = logProbs,
        ["finish_reason"] = finish is { } reason ? OpenAiJson.Name(reason) : null,
    }));

    private JsonObject Frame(JsonArray choices)
    {
        var frame = new JsonObject
        {
            ["id"] = id,
            ["object"] = "chat.completion.chunk",
            ["created"] = exchange.Started.ToUnixTimeSeconds(),
            ["model"] = exchange.Server.Model.Name,
            ["choices"] = choices,
        };
        if (includeUsage)
        {
            frame["usage"] = null;
        }

        return frame;
    }
}
