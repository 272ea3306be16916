using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>How a model is served. Everything is checked when the server starts.</summary>
public sealed class ServingOptions
{
    /// <summary>File of hashed API keys; null serves everyone.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>SQLite file of the usage ledger; null keeps it in memory until the server ends.</summary>
    public string? LedgerFile { get; set; }

    /// <summary>Requests a minute of each key that has no limit of its own; null is unlimited.</summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>Tokens a minute, prompt and answer, of each key that has no limit of its own; null is unlimited.</summary>
    public int? TokensPerMinute { get; set; }

    /// <summary>Largest request body in bytes; more is answered with 413.</summary>
    public long MaxRequestBytes { get; set; } = 64L << 20;

    /// <summary>Time that one request may take, waiting included; null is unlimited.</summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>Time that running requests get to end when the server stops.</summary>
    public TimeSpan DrainDeadline { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence in a stream after which a comment is sent.</summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Origins of web pages that may call the server; empty allows none but its own.</summary>
    public IReadOnlyList<string> CorsOrigins { get; set; } = [];

    /// <summary>Prices by length of the input, shortest first.</summary>
    public IReadOnlyList<PriceTier> Prices { get; set; } = PriceTier.Published;

    /// <summary>Longest answer of a request that names none; null goes on to the end of the context.</summary>
    public int? DefaultMaxTokens { get; set; }

    /// <summary>What becomes of thinking that a client sends back.</summary>
    public ReasoningHistory ReasoningHistory { get; set; }

    /// <summary>Writes prompts to the log.</summary>
    public bool LogPrompts { get; set; }

    /// <summary>Checks every field.</summary>
    /// <exception cref="InvalidInputException">A field is out of its range; the message names both.</exception>
    public void Validate()
    {
        Require(RequestsPerMinute is null or > 0, "requests per minute", RequestsPerMinute, "1 or more");
        Require(TokensPerMinute is null or > 0, "tokens per minute", TokensPerMinute, "1 or more");
        Require(MaxRequestBytes > 0, "the largest request", MaxRequestBytes, "1 byte or more");
        Require(RequestTimeout is null || RequestTimeout > TimeSpan.Zero, "the request time-out", RequestTimeout, "above 0");
        Require(DrainDeadline >= TimeSpan.Zero, "the drain deadline", DrainDeadline, "0 or more");
        Require(KeepAlive > TimeSpan.Zero, "the keep-alive interval", KeepAlive, "above 0");
        Require(DefaultMaxTokens is null or > 0, "the default of max_tokens", DefaultMaxTokens, "1 or more");
        foreach (var origin in CorsOrigins)
        {
            var valid = origin == "*" || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.AbsolutePath == "/");
            Require(valid, "a CORS origin", origin, "* or like https://example.org");
        }

        PriceTier.Validate(Prices);
    }

    private static void Require(bool fits, string name, object? value, string range)
    {
        if (!fits)
        {
            throw new InvalidInputException(FormattableString.Invariant($"{name} is {value}; it must be {range}."));
        }
    }
}
