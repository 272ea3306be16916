using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Pieces that the OpenAI endpoints share.</summary>
internal static class OpenAiJson
{
    /// <summary>Refuses a model that is not served here; no name means the one that is.</summary>
    public static void CheckModel(RequestFields fields, ServingState server)
    {
        if (fields.Text("model") is { } model && model != server.Model.Name)
        {
            throw new ApiException(
                Microsoft.AspNetCore.Http.StatusCodes.Status404NotFound, $"The model '{model}' is not served here; '{server.Model.Name}' is.", "model", "model_not_found");
        }
    }

    /// <summary>The name of a finish reason.</summary>
    public static string Name(FinishReason reason) => reason switch
    {
        FinishReason.Length => "length",
        FinishReason.ToolCalls => "tool_calls",
        FinishReason.Repetition => "repetition",
        _ => "stop",
    };

    /// <summary>The usage object of chat and text completions.</summary>
    public static JsonObject Usage(GenerationCall generation)
    {
        var usage = generation.Usage;
        return new JsonObject
        {
            ["prompt_tokens"] = usage.Prompt,
            ["completion_tokens"] = usage.Completion,
            ["total_tokens"] = usage.Prompt + usage.Completion,
            ["prompt_tokens_details"] = PromptDetails(generation),
            ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.Reasoning },
        };
    }

    /// <summary>How much of the prompt was reused, and why not more.</summary>
    public static JsonObject PromptDetails(GenerationCall generation)
    {
        var details = new JsonObject { ["cached_tokens"] = generation.Usage.Cached };
        if (generation.CacheMissReason is { } reason)
        {
            details["cache_miss_reason"] = reason;
        }

        return details;
    }

    /// <summary>Sends the error of a stream that has begun, then its end.</summary>
    public static async Task SendError(Exchange exchange, EventStream stream, ApiException error)
    {
        await stream.Send(error.ToJson(Protocol.OpenAi, exchange.RequestId)).ConfigureAwait(false);
        await stream.SendDone().ConfigureAwait(false);
    }

    /// <summary>Whether the stream's last chunk tells the usage.</summary>
    public static bool IncludesUsage(RequestFields fields) => fields.Object("stream_options")?.Flag("include_usage") ?? false;

    /// <summary>Answers to give, from 1 to the engine's most.</summary>
    public static int Count(RequestFields fields) => (fields.Integer("n") ?? 1) is var count and >= 1 and <= GenerationRequest.MaxCount
        ? count
        : throw ApiException.BadField("n", $"n must be from 1 to {GenerationRequest.MaxCount}.");
}
