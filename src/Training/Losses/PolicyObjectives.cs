using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>The losses by name. Each is the same kernel with other bounds, normalisers and advantages; bounds are absolute.</summary>
public static class PolicyObjectives
{
    /// <summary>The names that <see cref="ByName"/> takes.</summary>
    public static IReadOnlyList<string> Names { get; } = ["grpo", "dr-grpo", "dapo", "cispo", "unified", "gspo", "reinforce-is", "rloo"];

    /// <summary>GRPO: symmetric mask, mean over each answer, advantages over the group's standard deviation.</summary>
    public static PolicyObjective Grpo(float ratioMin = 0.8f, float ratioMax = 1.2f) =>
        new("grpo", PolicyBounds.Grpo(ratioMin, ratioMax), LossAggregation.SampleMean, AdvantageScale.Group);

    /// <summary>Dr.GRPO: GRPO without what favours short right and long wrong answers: a constant length and no division by the deviation.</summary>
    /// <param name="maxTokens">The constant length, the longest answer.</param>
    /// <param name="ratioMin">Lower bound of the mask.</param>
    /// <param name="ratioMax">Upper bound of the mask.</param>
    public static PolicyObjective DrGrpo(int maxTokens, float ratioMin = 0.8f, float ratioMax = 1.2f) =>
        new("dr-grpo", PolicyBounds.Grpo(ratioMin, ratioMax), LossAggregation.TokenSumConst(maxTokens), AdvantageScale.None);

    /// <summary>DAPO: a mask that is wider above, and the mean over all tokens.</summary>
    public static PolicyObjective Dapo(float ratioMin = 0.8f, float ratioMax = 1.28f) =>
        new("dapo", PolicyBounds.Grpo(ratioMin, ratioMax), LossAggregation.TokenMean, AdvantageScale.Group);

    /// <summary>CISPO (equations 4 and 5): the weight is capped and every token keeps a gradient; the report does not give the cap.</summary>
    public static PolicyObjective Cispo(float isWeightMax, float isWeightMin = 0) =>
        new("cispo", new PolicyBounds(isWeightMax, isWeightMin), LossAggregation.TokenMean, AdvantageScale.Group);

    /// <summary>The unified objective (equations 6 and 7): cap and mask.</summary>
    public static PolicyObjective Unified(PolicyBounds bounds) => new("unified", bounds, LossAggregation.TokenMean, AdvantageScale.Group);

    /// <summary>GSPO: one ratio per answer, the geometric mean over its tokens, with a narrow mask.</summary>
    public static PolicyObjective Gspo(float ratioMin = 0.9997f, float ratioMax = 1.0004f) =>
        new("gspo", PolicyBounds.Grpo(ratioMin, ratioMax), LossAggregation.SampleMean, AdvantageScale.Group) { SequenceRatio = true };

    /// <summary>REINFORCE with importance sampling: neither cap nor mask.</summary>
    public static PolicyObjective ReinforceIs() => new("reinforce-is", PolicyBounds.ReinforceIs, LossAggregation.TokenMean, AdvantageScale.Group);

    /// <summary>RLOO: REINFORCE whose baseline is the mean of the group's other answers.</summary>
    public static PolicyObjective Rloo() => new("rloo", PolicyBounds.ReinforceIs, LossAggregation.SampleMean, AdvantageScale.LeaveOneOut);

    /// <summary>A loss by name with its usual bounds.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="maxTokens">Longest answer, for Dr.GRPO.</param>
    /// <param name="isWeightMax">The cap of CISPO and of the unified objective, which has no default.</param>
    /// <exception cref="InvalidInputException">Unknown, or the cap is missing.</exception>
    public static PolicyObjective ByName(string name, int maxTokens, float? isWeightMax)
    {
        float Cap() => isWeightMax ?? throw new InvalidInputException($"The loss {name} needs the largest weight of a token. It has no default; give --is-weight-max, for example 5.");
        var objective = name switch
        {
            "grpo" => Grpo(),
            "dr-grpo" => DrGrpo(maxTokens),
            "dapo" => Dapo(),
            "cispo" => Cispo(Cap()),
            "unified" => Unified(new PolicyBounds(Cap(), 0, 0.8f, 1.28f)),
            "gspo" => Gspo(),
            "reinforce-is" => ReinforceIs(),
            "rloo" => Rloo(),
            _ => throw new InvalidInputException($"There is no loss \"{name}\". The losses are: {string.Join(", ", Names)}."),
        };
        objective.Validate();
        return objective;
    }
}
