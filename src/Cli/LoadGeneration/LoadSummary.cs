using System.Text.Json.Nodes;

namespace MiniMaxSharp.Cli;

/// <summary>Percentiles of times in seconds.</summary>
internal readonly record struct Percentiles(double P50, double P90, double P99, double Mean)
{
    /// <summary>Of some values, with linear interpolation between ranks; zeros where there is none.</summary>
    public static Percentiles Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? default : new Percentiles(At(sorted, 0.5), At(sorted, 0.9), At(sorted, 0.99), sorted.Average());
    }

    /// <summary>In milliseconds.</summary>
    public JsonObject ToJson() => new() { ["p50"] = 1e3 * P50, ["p90"] = 1e3 * P90, ["p99"] = 1e3 * P99, ["mean"] = 1e3 * Mean };

    private static double At(double[] sorted, double share)
    {
        var rank = share * (sorted.Length - 1);
        var below = (int)rank;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((rank - below) * (sorted[above] - sorted[below]));
    }
}

/// <summary>What a load measured.</summary>
internal sealed record LoadSummary
{
    /// <summary>Counts the results of a load that took this long.</summary>
    public LoadSummary(IReadOnlyCollection<LoadResult> results, TimeSpan elapsed)
    {
        var whole = results.Where(static result => result.Error is null).ToList();
        Elapsed = elapsed;
        Answered = whole.Count;
        Errors = results.Where(static result => result.Error is not null).GroupBy(static result => result.Status).ToDictionary(static group => group.Key, static group => group.Count());
        FirstError = results.FirstOrDefault(static result => result.Error is not null)?.Error;
        PromptTokens = whole.Sum(static result => (long)result.PromptTokens);
        CachedTokens = whole.Sum(static result => (long)result.CachedTokens);
        GeneratedTokens = whole.Sum(static result => (long)result.GeneratedTokens);
        FirstToken = Percentiles.Of(whole.Select(static result => result.FirstToken));
        BetweenTokens = Percentiles.Of(whole.SelectMany(static result => result.Gaps));
        Duration = Percentiles.Of(whole.Select(static result => result.Duration));
    }

    /// <summary>From the start to the last answer.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>Whole answers.</summary>
    public int Answered { get; }

    /// <summary>Failed requests by HTTP status; 0 is a broken connection, 200 a stream that broke off.</summary>
    public IReadOnlyDictionary<int, int> Errors { get; }

    /// <summary>What the first of them said.</summary>
    public string? FirstError { get; }

    /// <summary>Tokens of all answered prompts.</summary>
    public long PromptTokens { get; }

    /// <summary>Those of them that came from a cache.</summary>
    public long CachedTokens { get; }

    /// <summary>Tokens of all whole answers.</summary>
    public long GeneratedTokens { get; }

    /// <summary>Time to the first token (TTFT).</summary>
    public Percentiles FirstToken { get; }

    /// <summary>Time between pieces of an answer (ITL).</summary>
    public Percentiles BetweenTokens { get; }

    /// <summary>From sending to the end.</summary>
    public Percentiles Duration { get; }

    /// <summary>All of it.</summary>
    public JsonObject ToJson() => new()
    {
        ["seconds"] = Elapsed.TotalSeconds,
        ["answered"] = Answered,
        ["errors"] = new JsonObject(Errors.Select(static pair => KeyValuePair.Create(pair.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), (JsonNode?)pair.Value))),
        ["requests_per_second"] = Answered / Elapsed.TotalSeconds,
        ["prompt_tokens"] = PromptTokens,
        ["cached_tokens"] = CachedTokens,
        ["generated_tokens"] = GeneratedTokens,
        ["prompt_tokens_per_second"] = PromptTokens / Elapsed.TotalSeconds,
        ["generated_tokens_per_second"] = GeneratedTokens / Elapsed.TotalSeconds,
        ["ttft_ms"] = FirstToken.ToJson(),
        ["itl_ms"] = BetweenTokens.ToJson(),
        ["e2e_ms"] = Duration.ToJson(),
    };
}
