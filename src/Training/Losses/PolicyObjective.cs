using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Which policy stands in the denominator of the ratio.</summary>
public enum RatioAnchor
{
    /// <summary>The log-probabilities that the engine recorded when it drew the tokens.</summary>
    Rollout,

    /// <summary>Log-probabilities that the trainer computes with the weights at the start of the batch.</summary>
    Recomputed,
}

/// <summary>A policy loss: −Σ factor · sg(weight) · log p. Every loss of the family is one of these; see <see cref="PolicyObjectives"/>.</summary>
/// <param name="Name">The name that users know.</param>
/// <param name="Bounds">The four bounds of the kernel.</param>
/// <param name="Aggregation">How tokens are weighed against each other.</param>
/// <param name="Scale">How rewards become advantages.</param>
public sealed record PolicyObjective(string Name, PolicyBounds Bounds, LossAggregation Aggregation, AdvantageScale Scale)
{
    /// <summary>One ratio for a whole answer (GSPO).</summary>
    public bool SequenceRatio { get; init; }

    /// <summary>What the ratio is taken against.</summary>
    public RatioAnchor Anchor { get; init; }

    /// <summary>Truncated importance sampling: weights are also multiplied with min(π_anchor / π_rollout, this). Null is off.</summary>
    public double? TruncatedIsMax { get; init; }

    /// <summary>Refuses what would be computed wrongly.</summary>
    /// <exception cref="InvalidInputException">Says what and how to mend it.</exception>
    public void Validate()
    {
        Bounds.Validate();
        if (TruncatedIsMax is { } cap && !(cap >= 1))
        {
            throw new InvalidInputException(FormattableString.Invariant($"The cap of the truncated importance sampling is {cap}; it is absolute and at least 1, for example 2."));
        }

        if (TruncatedIsMax is not null && Anchor == RatioAnchor.Rollout)
        {
            throw new InvalidInputException(
                "Truncated importance sampling on a ratio that is anchored at the roll-out would count the difference of engine and trainer twice. "
                + "Anchor the ratio at recomputed log-probabilities, or leave the correction out.");
        }
    }

    /// <summary>The effective intervals and normalisers, to be printed when a run starts.</summary>
    public string Describe() =>
        $"{Name}: {Bounds.Describe()}; {(SequenceRatio ? "one ratio per answer" : "one ratio per token")} against {(Anchor == RatioAnchor.Rollout ? "the roll-out" : "recomputed log-probabilities")}"
        + (TruncatedIsMax is { } cap ? FormattableString.Invariant($", truncated importance sampling up to {cap:0.###}") : "")
        + $"; aggregation {Aggregation.Name}; advantage scale {Scale}";

    /// <summary>For <c>run.json</c>.</summary>
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["is_weight_min"] = Bound(Bounds.IsWeightMin),
        ["is_weight_max"] = Bound(Bounds.IsWeightMax),
        ["ratio_min"] = Bound(Bounds.RatioMin),
        ["ratio_max"] = Bound(Bounds.RatioMax),
        ["aggregation"] = Aggregation.Name,
        ["advantage_scale"] = Scale.ToString(),
        ["sequence_ratio"] = SequenceRatio,
        ["anchor"] = Anchor.ToString(),
        ["truncated_is_max"] = TruncatedIsMax,
    };

    private static JsonNode? Bound(float value) => float.IsInfinity(value) ? null : JsonValue.Create(double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));
}
