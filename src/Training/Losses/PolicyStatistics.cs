namespace MiniMaxSharp.Training;

/// <summary>What the kernel saw in some mini-batches: ratios, and tokens whose weight is not their ratio, by sign of the advantage and side.</summary>
public sealed class PolicyStatistics
{
    private double ratioSum;
    private long positiveHigh;
    private long positiveLow;
    private long negativeHigh;
    private long negativeLow;

    /// <summary>Tokens of the policy.</summary>
    public long Tokens { get; private set; }

    /// <summary>Smallest ratio.</summary>
    public double RatioMin { get; private set; } = double.PositiveInfinity;

    /// <summary>Largest ratio.</summary>
    public double RatioMax { get; private set; } = double.NegativeInfinity;

    /// <summary>Mean ratio.</summary>
    public double RatioMean => ratioSum / Math.Max(1, Tokens);

    /// <summary>Share of tokens that the bounds changed.</summary>
    public double ClippedShare => (positiveHigh + positiveLow + negativeHigh + negativeLow) / (double)Math.Max(1, Tokens);

    /// <summary>Counts a token.</summary>
    public void Add(double ratio, double advantage, PolicyBounds bounds)
    {
        Tokens++;
        ratioSum += ratio;
        RatioMin = Math.Min(RatioMin, ratio);
        RatioMax = Math.Max(RatioMax, ratio);
        if (advantage == 0)
        {
            return;
        }

        var high = ratio > bounds.IsWeightMax || (advantage > 0 && ratio > bounds.RatioMax);
        var low = ratio < bounds.IsWeightMin || (advantage < 0 && ratio < bounds.RatioMin);
        _ = (advantage > 0, high, low) switch
        {
            (true, true, _) => positiveHigh++,
            (true, _, true) => positiveLow++,
            (false, true, _) => negativeHigh++,
            (false, _, true) => negativeLow++,
            _ => 0,
        };
    }

    /// <summary>Adds the metrics under the names that users know.</summary>
    public void Report(IDictionary<string, double> metrics)
    {
        var tokens = (double)Math.Max(1, Tokens);
        metrics["is_ratio/mean"] = RatioMean;
        metrics["is_ratio/max"] = Tokens == 0 ? 1 : RatioMax;
        metrics["is_ratio/min"] = Tokens == 0 ? 1 : RatioMin;
        metrics["clip_ratio/region_mean"] = ClippedShare;
        metrics["clip_ratio/positive_high"] = positiveHigh / tokens;
        metrics["clip_ratio/positive_low"] = positiveLow / tokens;
        metrics["clip_ratio/negative_high"] = negativeHigh / tokens;
        metrics["clip_ratio/negative_low"] = negativeLow / tokens;
    }
}
