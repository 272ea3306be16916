using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>
/// How the tokens of an optimiser batch are weighed against each other. Always over the whole optimiser batch, so that its split into micro-batches changes nothing.
/// </summary>
public sealed record LossAggregation
{
    private enum Kind
    {
        TokenMean,
        PromptMean,
        SampleMean,
        TokenSumConst,
        Combined,
        SignBalanced,
    }

    private Kind Rule { get; init; }

    private double Parameter { get; init; }

    /// <summary>1/Σ|o| over all tokens of the batch; the default of DAPO and CISPO here.</summary>
    public static LossAggregation TokenMean { get; } = new() { Rule = Kind.TokenMean };

    /// <summary>The mean over the tokens of each prompt's answers, then over prompts: equation 4 read literally.</summary>
    public static LossAggregation PromptMean { get; } = new() { Rule = Kind.PromptMean };

    /// <summary>The mean over the tokens of each answer, then over answers: GRPO.</summary>
    public static LossAggregation SampleMean { get; } = new() { Rule = Kind.SampleMean };

    /// <summary>
    /// "Combined" read as a re-weighting: as <see cref="TokenMean"/>, but answers of positive and of negative advantage have equal token mass together.
    /// </summary>
    public static LossAggregation SignBalanced { get; } = new() { Rule = Kind.SignBalanced };

    /// <summary>Name with its parameter.</summary>
    public string Name => Rule is Kind.TokenSumConst or Kind.Combined ? FormattableString.Invariant($"{Rule}({Parameter:0.###})") : Rule.ToString();

    /// <summary>The sum over tokens divided by answers times a constant length: Dr.GRPO.</summary>
    /// <exception cref="InvalidInputException">The length is below 1.</exception>
    public static LossAggregation TokenSumConst(int length) => length >= 1
        ? new() { Rule = Kind.TokenSumConst, Parameter = length }
        : throw new InvalidInputException($"The constant length of the aggregation is {length}; it is 1 or more, usually the longest answer.");

    /// <summary>"Combined" read as a mixture: α · TokenMean + (1 − α) · SampleMean.</summary>
    /// <exception cref="InvalidInputException">α is not from 0 to 1.</exception>
    public static LossAggregation Combined(double alpha) => alpha is >= 0 and <= 1
        ? new() { Rule = Kind.Combined, Parameter = alpha }
        : throw new InvalidInputException(FormattableString.Invariant($"The share of the token mean is {alpha}; it is from 0 to 1."));

    /// <summary>An aggregation by name.</summary>
    /// <param name="name">Such as TokenMean; case does not matter.</param>
    /// <param name="maxTokens">The constant of TokenSumConst.</param>
    /// <param name="combinedShare">Share of the token mean in Combined.</param>
    /// <exception cref="InvalidInputException">There is none of that name.</exception>
    public static LossAggregation ByName(string name, int maxTokens, double combinedShare) => name.ToUpperInvariant() switch
    {
        "TOKENMEAN" => TokenMean,
        "PROMPTMEAN" => PromptMean,
        "SAMPLEMEAN" => SampleMean,
        "SIGNBALANCED" => SignBalanced,
        "TOKENSUMCONST" => TokenSumConst(maxTokens),
        "COMBINED" => Combined(combinedShare),
        _ => throw new InvalidInputException($"There is no aggregation \"{name}\". They are: {string.Join(", ", Enum.GetNames<Kind>())}."),
    };

    /// <summary>The factor of every token of each answer of an optimiser batch.</summary>
    public double[] Factors(IReadOnlyList<PolicySample> batch)
    {
        var tokens = Math.Max(1, batch.Sum(static sample => (double)sample.PolicyTokens));
        double SampleFactor(PolicySample sample) => 1.0 / (batch.Count * (double)Math.Max(1, sample.PolicyTokens));
        return Rule switch
        {
            Kind.TokenMean => [.. batch.Select(_ => 1 / tokens)],
            Kind.SampleMean => [.. batch.Select(SampleFactor)],
            Kind.TokenSumConst => [.. batch.Select(_ => 1 / (batch.Count * Parameter))],
            Kind.Combined => [.. batch.Select(sample => (Parameter / tokens) + ((1 - Parameter) * SampleFactor(sample)))],
            Kind.PromptMean => PromptFactors(batch),
            _ => SignFactors(batch, tokens),
        };
    }

    private static double[] PromptFactors(IReadOnlyList<PolicySample> batch)
    {
        var groups = batch.GroupBy(static sample => sample.Group).ToDictionary(static group => group.Key, static group => group.Sum(static sample => (double)sample.PolicyTokens));
        return [.. batch.Select(sample => 1 / (groups.Count * Math.Max(1, groups[sample.Group])))];
    }

    private static double[] SignFactors(IReadOnlyList<PolicySample> batch, double tokens)
    {
        double Mass(int sign) => batch.Where(sample => Math.Sign(sample.Advantage) == sign).Sum(static sample => (double)sample.PolicyTokens);
        var (positive, negative) = (Mass(1), Mass(-1));
        var half = (positive + negative) / 2;
        return [.. batch.Select(sample => Math.Sign(sample.Advantage) switch
        {
            1 when negative > 0 => half / positive / tokens,
            -1 when positive > 0 => half / negative / tokens,
            _ => 1 / tokens, // Only one sign: there is nothing to balance.
        })];
    }
}
