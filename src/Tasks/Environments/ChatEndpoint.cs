using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A model behind an OpenAI-compatible server: as a policy through <c>/v1/completions</c>, as user or judge through <c>/v1/chat/completions</c>.</summary>
/// <param name="client">Its base address is the server's, such as <c>http://localhost:8000/</c>; headers such as a key are set by the caller.</param>
/// <param name="model">Name of the model on the server.</param>
public sealed class ChatEndpoint(HttpClient client, string model)
{
    // vLLM's way to say ids where it is asked for log-probabilities.
    private const string TokenIdPrefix = "token_id:";

    /// <summary>The model as user or judge.</summary>
    /// <param name="sampling">Temperature, nucleus, limit and seed are sent; null leaves all to the server.</param>
    public ModelReply Reply(SamplingParams? sampling = null) => async (conversation, cancellationToken) =>
    {
        var body = Body(sampling);
        body["messages"] = ChatMessageJson.Of(conversation.Messages, withReasoning: false);
        if (conversation.Tools is { Count: > 0 } tools)
        {
            body["tools"] = new JsonArray([.. tools.Select(tool => JsonNode.Parse(tool.GetRawText()))]);
        }

        using var answer = await Post("v1/chat/completions", body, cancellationToken).ConfigureAwait(false);
        return Message(Choice(answer.RootElement).GetProperty("message"));
    };

    /// <summary>
    /// The model as a policy. <paramref name="tokenizer"/> must be the model's. Where the server does not name token ids (vLLM does), the ids are those of
    /// the text, and there are no log-probabilities: such roll-outs can be evaluated, but not trained on.
    /// </summary>
    public Generate Generate(Tokenizer tokenizer) => async (prompt, sampling, cancellationToken) =>
    {
        var body = Body(sampling);
        body["prompt"] = TaskJson.Array(prompt.ToArray());
        body["stop"] = TaskJson.Array(sampling.Stop);
        body["logprobs"] = 0;
        body["return_tokens_as_token_ids"] = true;
        using var answer = await Post("v1/completions", body, cancellationToken).ConfigureAwait(false);
        var choice = Choice(answer.RootElement);
        var text = choice.GetProperty("text").GetString()!;
        var reason = Reason(choice);
        return TokenIds(choice) is { } known
            ? new Completion(known.Ids, known.LogProbs, text, reason, 0)
            : new Completion(tokenizer.Encode(text), [], text, reason, 0);
    };

    private static FinishReason Reason(JsonElement choice) => choice.GetProperty("finish_reason").GetString() switch
    {
        "stop" or "tool_calls" => FinishReason.Stop,
        "length" => FinishReason.Length,
        "repetition" => FinishReason.Repetition,
        _ => FinishReason.Cancelled,
    };

    private static (int[] Ids, double[] LogProbs)? TokenIds(JsonElement choice)
    {
        if (!choice.TryGetProperty("logprobs", out var logprobs) || logprobs.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var names = logprobs.Texts("tokens");
        return names.All(name => name.StartsWith(TokenIdPrefix, StringComparison.Ordinal))
            ? ([.. names.Select(name => int.Parse(name.AsSpan(TokenIdPrefix.Length), CultureInfo.InvariantCulture))],
                [.. logprobs.GetProperty("token_logprobs").EnumerateArray().Select(value => value.GetDouble())])
            : null;
    }

    private static JsonElement Choice(JsonElement answer) => answer.GetProperty("choices")[0];

    private static ChatMessage Message(JsonElement message)
    {
        var calls = message.TryGetProperty("tool_calls", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(call => new ToolCall(
                call.GetProperty("id").GetString(), call.GetProperty("function").GetProperty("name").GetString(), call.GetProperty("function").GetProperty("arguments").GetString())).ToArray()
            : [];
        var reasoning = message.TryGetProperty("reasoning_content", out var thought) ? thought.GetString() : null;
        return ChatMessage.Assistant(message.GetProperty("content").GetString() ?? "", reasoning, calls.Length > 0 ? calls : null);
    }

    private JsonObject Body(SamplingParams? sampling)
    {
        var body = new JsonObject { ["model"] = model };
        if (sampling is null)
        {
            return body;
        }

        body["temperature"] = sampling.Temperature;
        body["top_p"] = sampling.TopP;
        if (sampling.MaxTokens is { } limit)
        {
            body["max_tokens"] = limit;
        }

        if (sampling.Seed is { } seed)
        {
            body["seed"] = seed & long.MaxValue;
        }

        return body;
    }

    private async Task<JsonDocument> Post(string path, JsonObject body, CancellationToken cancellationToken)
    {
        using var content = new StringContent(TaskJson.Compact(body), Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri(path, UriKind.Relative), content, cancellationToken).ConfigureAwait(false);
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(text)
            : throw new HttpRequestException($"{client.BaseAddress}{path} answered {(int)response.StatusCode}: {text[..Math.Min(text.Length, 500)]}", null, response.StatusCode);
    }
}
