using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace MiniMaxSharp.Cli;

/// <summary>What became of one request.</summary>
internal sealed record LoadResult
{
    /// <summary>HTTP status; 0 when there was no answer.</summary>
    public required int Status { get; init; }

    /// <summary>What went wrong; null where the answer is whole.</summary>
    public string? Error { get; init; }

    /// <summary>Seconds from sending to the first piece of the answer.</summary>
    public double FirstToken { get; init; }

    /// <summary>Seconds from sending to the end.</summary>
    public double Duration { get; init; }

    /// <summary>Seconds between the pieces of the answer.</summary>
    public IReadOnlyList<double> Gaps { get; init; } = [];

    /// <summary>Tokens of the prompt, as the server counts them.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens of the prompt that the server did not compute again.</summary>
    public int CachedTokens { get; init; }

    /// <summary>Tokens of the answer, as the server counts them.</summary>
    public int GeneratedTokens { get; init; }
}

/// <summary>
/// Sends prompts as token ids to <c>/v1/completions</c> and reads the stream. Works with every server of this protocol that takes <c>ignore_eos</c>
/// (MiniMaxSharp, vLLM, llama-server), and with <c>/completion</c> of llama-server, which also streams text that is no UTF-8.
/// </summary>
internal sealed class CompletionCall(HttpClient http, Uri endpoint, string? modelName)
{
    private const string DataPrefix = "data:";
    private const int LongestMessage = 200;

    /// <summary>Sends one request and reads its answer to the end. Fails only when cancelled.</summary>
    public async Task<LoadResult> Send(LoadRequest request, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new ByteArrayContent(Body(request)) };
            message.Content.Headers.ContentType = new("application/json");
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
                return new LoadResult { Status = (int)response.StatusCode, Error = text[..Math.Min(LongestMessage, text.Length)] };
            }

            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return await Read(stream, clock, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException)
        {
            return new LoadResult { Status = 0, Error = exception.Message };
        }
    }

    private static async Task<LoadResult> Read(Stream stream, Stopwatch clock, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream);
        var times = new List<double>();
        var (prompt, cached, generated) = (0, 0, 0);
        string? error = null;
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (!line.StartsWith(DataPrefix, StringComparison.Ordinal) || line.AsSpan(DataPrefix.Length).Trim() is "[DONE]")
            {
                continue;
            }

            using var json = JsonDocument.Parse(line.AsMemory(DataPrefix.Length));
            var root = json.RootElement;
            if (root.TryGetProperty("error", out var failure))
            {
                error = failure.ToString();
            }

            if ((root.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0) || root.TryGetProperty("content", out _))
            {
                times.Add(clock.Elapsed.TotalSeconds);
            }

            if (root.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
            {
                (prompt, generated) = (Number(usage, "prompt_tokens"), Number(usage, "completion_tokens"));
                cached = usage.TryGetProperty("prompt_tokens_details", out var details) && details.ValueKind == JsonValueKind.Object ? Number(details, "cached_tokens") : cached;
            }

            if (root.TryGetProperty("timings", out var timings)) // llama-server's own fields.
            {
                cached = Number(timings, "cache_n");
                (prompt, generated) = (Math.Max(prompt, Number(root, "tokens_evaluated")), Math.Max(generated, Number(root, "tokens_predicted")));
            }
        }

        error ??= times.Count == 0 ? "The stream ended without an answer." : null;
        return new LoadResult
        {
            Status = (int)HttpStatusCode.OK,
            Error = error,
            FirstToken = times.FirstOrDefault(),
            Duration = clock.Elapsed.TotalSeconds,
            Gaps = [.. times.Zip(times.Skip(1), static (before, after) => after - before)],
            PromptTokens = prompt,
            CachedTokens = cached,
            GeneratedTokens = generated,
        };
    }

    private static int Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : 0;

    private byte[] Body(LoadRequest request)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            if (modelName is not null)
            {
                writer.WriteString("model", modelName);
            }

            writer.WriteStartArray("prompt");
            foreach (var id in request.Prompt)
            {
                writer.WriteNumberValue(id);
            }

            writer.WriteEndArray();
            writer.WriteNumber("max_tokens", request.MaxTokens);
            writer.WriteNumber("temperature", 0);
            writer.WriteBoolean("ignore_eos", true);
            writer.WriteBoolean("stream", true);
            writer.WriteStartObject("stream_options");
            writer.WriteBoolean("include_usage", true);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }
}
