namespace MiniMaxSharp.Training;

/// <summary>The one kernel of all policy losses (report 3.1, equations 6 and 7).</summary>
public static class PolicyKernel
{
    /// <summary>
    /// sg(clip(r) · M) · A: what a token's log-probability is multiplied with in the objective, and so its gradient. With an open mask and a cap this is
    /// CISPO; with the plain ratio and the mask it is the gradient of the clipped surrogate of PPO, GRPO and DAPO.
    /// </summary>
    /// <param name="ratio">New over old probability.</param>
    /// <param name="advantage">Advantage of the answer.</param>
    /// <param name="bounds">The four bounds.</param>
    public static double TokenWeight(double ratio, double advantage, PolicyBounds bounds)
    {
        var leftOut = (advantage > 0 && ratio > bounds.RatioMax) || (advantage < 0 && ratio < bounds.RatioMin);
        return leftOut ? 0 : Math.Clamp(ratio, bounds.IsWeightMin, bounds.IsWeightMax) * advantage;
    }

    /// <summary>
    /// Weights [T] of the tokens of one answer. With <paramref name="sequenceRatio"/> (GSPO) every token has the ratio of the whole answer,
    /// the geometric mean of the tokens' ratios.
    /// </summary>
    /// <param name="logprobs">New log-probabilities [T].</param>
    /// <param name="oldLogprobs">Those of the anchor [T].</param>
    /// <param name="lossMask">[T] 0 where a token is not the policy's; empty where all are.</param>
    /// <param name="advantage">Advantage of the answer.</param>
    /// <param name="bounds">The four bounds.</param>
    /// <param name="sequenceRatio">One ratio for the answer.</param>
    /// <param name="weights">[T]; 0 where the mask is.</param>
    /// <param name="statistics">Counts ratios and what the bounds changed.</param>
    public static void AnswerWeights(
        ReadOnlySpan<float> logprobs, ReadOnlySpan<float> oldLogprobs, ReadOnlySpan<int> lossMask, double advantage, PolicyBounds bounds, bool sequenceRatio,
        Span<double> weights, PolicyStatistics statistics)
    {
        var (sum, count) = (0.0, 0);
        for (var t = 0; sequenceRatio && t < weights.Length; t++)
        {
            if (lossMask.IsEmpty || lossMask[t] != 0)
            {
                (sum, count) = (sum + logprobs[t] - oldLogprobs[t], count + 1);
            }
        }

        for (var t = 0; t < weights.Length; t++)
        {
            if (!lossMask.IsEmpty && lossMask[t] == 0)
            {
                weights[t] = 0;
                continue;
            }

            var ratio = Math.Exp(sequenceRatio ? sum / count : (double)logprobs[t] - oldLogprobs[t]);
            weights[t] = TokenWeight(ratio, advantage, bounds);
            statistics.Add(ratio, advantage, bounds);
        }
    }
}
