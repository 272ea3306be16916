using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Serving;

/// <summary><c>GET /v1/usage?from=2026-01-01&amp;to=2026-02-01</c>: what the caller's key used and what it costs.</summary>
internal static class UsageEndpoint
{
    private const decimal NanosPerRmb = 1_000_000_000;

    /// <summary>Answers one request.</summary>
    public static Task Handle(Exchange exchange)
    {
        var from = Time(exchange, "from") ?? DateTimeOffset.UnixEpoch;
        var to = Time(exchange, "to") ?? DateTimeOffset.MaxValue;
        var total = exchange.Server.Ledger.Total(exchange.Caller.Name, from, to);
        return exchange.WriteJson(new JsonObject
        {
            ["object"] = "usage",
            ["key"] = exchange.Caller.Name,
            ["requests"] = total.Requests,
            ["interrupted_requests"] = total.Interrupted,
            ["prompt_tokens"] = total.PromptTokens,
            ["cached_tokens"] = total.CachedTokens,
            ["completion_tokens"] = total.CompletionTokens,
            ["reasoning_tokens"] = total.ReasoningTokens,
            ["cost_rmb"] = total.CostNano / NanosPerRmb,
            ["price_tiers"] = new JsonArray([.. exchange.Server.Options.Prices.Select(tier => new JsonObject
            {
                ["up_to_prompt_tokens"] = tier.UpTo,
                ["input_rmb_per_million"] = tier.Input,
                ["output_rmb_per_million"] = tier.Output,
            })]),
        });
    }

    private static DateTimeOffset? Time(Exchange exchange, string name)
    {
        var text = exchange.Context.Request.Query[name].ToString();
        return text.Length == 0 ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
            : throw ApiException.BadField(name, $"{name} is '{text}'; give a date such as 2026-01-31 or 2026-01-31T12:00:00Z.");
    }
}
