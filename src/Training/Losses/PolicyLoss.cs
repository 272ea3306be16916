using MiniMaxSharp.Inference;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>
/// The four absolute bounds of the unified policy objective (report 3.1, equations 4 to 7), r the ratio of new and old probability:
/// the weight of a token is r clipped to [IsWeightMin, IsWeightMax], and a token is left out when its advantage is positive and r above
/// RatioMax, or negative and r below RatioMin.
/// </summary>
/// <param name="IsWeightMax">Largest weight; at least 1. There is no default: implementations mean different things by an epsilon.</param>
/// <param name="IsWeightMin">Smallest weight.</param>
/// <param name="RatioMin">Infinite bounds switch the mask off.</param>
/// <param name="RatioMax">Infinite bounds switch the mask off.</param>
public sealed record PolicyBounds(
    float IsWeightMax, float IsWeightMin = 0, float RatioMin = float.NegativeInfinity, float RatioMax = float.PositiveInfinity)
{
    /// <summary>CISPO: the weight is capped and every token keeps a gradient.</summary>
    public static PolicyBounds Cispo(float isWeightMax) => new(isWeightMax);

    /// <summary>GRPO, DAPO and PPO: the plain ratio, and tokens that went too far are left out.</summary>
    public static PolicyBounds Grpo(float ratioMin, float ratioMax) => new(float.PositiveInfinity, 0, ratioMin, ratioMax);

    /// <summary>Importance-sampled REINFORCE.</summary>
    public static PolicyBounds ReinforceIs { get; } = new(float.PositiveInfinity);

    /// <summary>Refuses bounds that exclude a ratio of 1.</summary>
    /// <exception cref="InvalidInputException">Says which.</exception>
    public void Validate()
    {
        if (!(IsWeightMax >= 1) || !(IsWeightMin is >= 0 and <= 1) || !(RatioMin <= 1) || !(RatioMax >= 1))
        {
            throw new InvalidInputException(
                $"The bounds {this} exclude a ratio of 1, that of an unchanged policy. Bounds are absolute: an epsilon of 0.2 above is a maximum of 1.2.");
        }
    }
}

/// <summary>The losses.</summary>
public static class Losses
{
    /// <summary>Mean cross-entropy: −Σ mask · logprob / Σ mask over the rows whose target is not negative; without a mask all of them.</summary>
    /// <param name="logprobs">[N], 0 where there is no target.</param>
    /// <param name="targets">[N], −1 where there is none.</param>
    public static Tensor CrossEntropy(Tensor logprobs, int[] targets) => logprobs.sum() / -(double)Math.Max(1, targets.Count(static id => id >= 0));

    /// <summary>
    /// −(1/Σ|o|) Σ_t sg(clip(r) · M) · A · log p, the mean over all response tokens of the batch.
    /// </summary>
    /// <param name="logprobs">New log-probabilities, [N].</param>
    /// <param name="oldLogprobs">Those of the policy that sampled, [N].</param>
    /// <param name="advantages">Advantage of the answer of each token, [N].</param>
    /// <param name="response">1 at the tokens of the response, 0 elsewhere, [N].</param>
    /// <param name="bounds">Bounds of weight and mask.</param>
    public static Tensor Policy(Tensor logprobs, Tensor oldLogprobs, Tensor advantages, Tensor response, PolicyBounds bounds)
    {
        bounds.Validate();
        Tensor weight;
        using (no_grad())
        {
            var ratio = (logprobs - oldLogprobs).exp();
            var leftOut = ((advantages > 0) & (ratio > bounds.RatioMax)) | ((advantages < 0) & (ratio < bounds.RatioMin));
            var tokens = response.sum().clamp_min(1);
            weight = ratio.clamp(bounds.IsWeightMin, bounds.IsWeightMax) * leftOut.logical_not().to(float32) * advantages * response / tokens;
        }

        return -(weight * logprobs).sum();
    }
}
