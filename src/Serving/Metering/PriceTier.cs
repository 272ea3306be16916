using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>The price of requests up to a length of input.</summary>
/// <param name="UpTo">Prompt tokens, inclusive; the last tier covers everything above too.</param>
/// <param name="Input">RMB per million prompt tokens, at most three decimals.</param>
/// <param name="Output">RMB per million generated tokens, at most three decimals.</param>
public readonly record struct PriceTier(int UpTo, decimal Input, decimal Output)
{
    /// <summary>MiniMax's published prices for M1; 1k is 1,024 tokens.</summary>
    public static IReadOnlyList<PriceTier> Published { get; } = [new(32 << 10, 0.8m, 8m), new(128 << 10, 1.2m, 16m), new(1 << 20, 2.4m, 24m)];

    /// <summary>Reads <c>UP_TO:INPUT:OUTPUT</c>, for example <c>32768:0.8:8</c>.</summary>
    /// <exception cref="InvalidInputException">The text has another form.</exception>
    public static PriceTier Parse(string text)
    {
        var parts = text.Split(':');
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        return parts.Length == 3
            && int.TryParse(parts[0], System.Globalization.NumberStyles.None, culture, out var upTo)
            && decimal.TryParse(parts[1], System.Globalization.NumberStyles.AllowDecimalPoint, culture, out var input)
            && decimal.TryParse(parts[2], System.Globalization.NumberStyles.AllowDecimalPoint, culture, out var output)
            ? new PriceTier(upTo, input, output)
            : throw new InvalidInputException($"'{text}' is no price tier; give UP_TO:INPUT:OUTPUT, for example 32768:0.8:8 (tokens, RMB per million in and out).");
    }

    /// <summary>Input price in thousandths of an RMB per million tokens.</summary>
    internal long InputMilli => (long)(Input * 1000);

    /// <summary>Output price in thousandths of an RMB per million tokens.</summary>
    internal long OutputMilli => (long)(Output * 1000);

    /// <summary>The tier of a prompt.</summary>
    internal static PriceTier Of(IReadOnlyList<PriceTier> tiers, int promptTokens)
    {
        foreach (var tier in tiers)
        {
            if (promptTokens <= tier.UpTo)
            {
                return tier;
            }
        }

        return tiers[^1];
    }

    internal static void Validate(IReadOnlyList<PriceTier> tiers)
    {
        if (tiers.Count == 0)
        {
            throw new InvalidInputException("There is no price tier. Give at least one; its prices may be 0.");
        }

        for (var i = 0; i < tiers.Count; i++)
        {
            var tier = tiers[i];
            if (tier.UpTo <= (i == 0 ? 0 : tiers[i - 1].UpTo) || !FitsMilli(tier.Input) || !FitsMilli(tier.Output))
            {
                throw new InvalidInputException(FormattableString.Invariant(
                    $"Price tier {tier.UpTo}:{tier.Input}:{tier.Output}: lengths must rise from tier to tier, prices must be from 0 to 1000000 with at most three decimals."));
            }
        }
    }

    private static bool FitsMilli(decimal price) => price is >= 0 and <= 1_000_000 && decimal.IsInteger(price * 1000);
}
