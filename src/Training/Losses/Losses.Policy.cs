using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>
/// The policy losses, each with its whole objective: rewards to advantages, ratios to weights, tokens to a mean. They share
/// <see cref="PolicyKernel.TokenWeight"/>. A run puts the same parts together by recipe (<see cref="PolicyObjectives"/>), in micro-batches.
/// In the formulas r = π(o_t)/π_old(o_t), sg stops the gradient, Σ_i is over answers and Σ_t over their tokens; the result is −J.
/// </summary>
public static partial class Losses
{
    /// <summary>
    /// GRPO: J = 1/N Σ_i 1/|o_i| Σ_t min(r·A, clip(r, ratioMin, ratioMax)·A), A the reward over mean and deviation of its group. The gradient is that of
    /// sg(r)·A·log π where the bounds do not bind, and 0 where they do.
    /// </summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    /// <param name="ratioMin">Absolute lower bound, such as 0.8.</param>
    /// <param name="ratioMax">Absolute upper bound, such as 1.2.</param>
    public static Tensor Grpo(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, float ratioMin = 0.8f, float ratioMax = 1.2f)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.Group);
        var bounds = PolicyBounds.Grpo(ratioMin, ratioMax);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) =>
            PolicyKernel.TokenWeight(ratio, advantages[i], bounds) / answers[i].Tokens / answers.Count);
    }

    /// <summary>
    /// Dr.GRPO: GRPO with A = R − mean R and a constant instead of |o_i|: neither easy questions nor short right and long wrong answers weigh more.
    /// </summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    /// <param name="maxTokens">The constant, the longest answer that is allowed.</param>
    /// <param name="ratioMin">Absolute lower bound.</param>
    /// <param name="ratioMax">Absolute upper bound.</param>
    public static Tensor DrGrpo(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, int maxTokens, float ratioMin = 0.8f, float ratioMax = 1.2f)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.None);
        var bounds = PolicyBounds.Grpo(ratioMin, ratioMax);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) =>
            PolicyKernel.TokenWeight(ratio, advantages[i], bounds) / maxTokens / answers.Count);
    }

    /// <summary>
    /// DAPO: GRPO with more room above than below, and 1/Σ|o_i| over the whole batch, so that each token counts alike. Its dynamic sampling and overlong
    /// penalty belong to the loop.
    /// </summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    /// <param name="ratioMin">Absolute lower bound.</param>
    /// <param name="ratioMax">Absolute upper bound.</param>
    public static Tensor Dapo(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, float ratioMin = 0.8f, float ratioMax = 1.28f)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.Group);
        var bounds = PolicyBounds.Grpo(ratioMin, ratioMax);
        var tokens = TokensOf(answers);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) => PolicyKernel.TokenWeight(ratio, advantages[i], bounds) / tokens);
    }

    /// <summary>
    /// CISPO (report 3.1, equations 4 and 5): J = 1/Σ|o_i| Σ_i Σ_t sg(min(r, isWeightMax)) · A · log π. The weight is capped instead of the update, so
    /// every token keeps a gradient.
    /// </summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    /// <param name="isWeightMax">The cap, absolute; the report does not give it.</param>
    public static Tensor Cispo(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, float isWeightMax)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.Group);
        var bounds = PolicyBounds.Cispo(isWeightMax);
        var tokens = TokensOf(answers);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) => PolicyKernel.TokenWeight(ratio, advantages[i], bounds) / tokens);
    }

    /// <summary>
    /// The unified objective (report 3.1, equations 6 and 7): J = 1/Σ|o_i| Σ_i Σ_t sg(clip(r) · M) · A · log π. M leaves a token out where A &gt; 0 and
    /// r is above the mask's upper bound, or A &lt; 0 and r below the lower one. With open masks it is CISPO, with an open weight DAPO.
    /// </summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    /// <param name="bounds">All four bounds.</param>
    public static Tensor Unified(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, PolicyBounds bounds)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.Group);
        var tokens = TokensOf(answers);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) => PolicyKernel.TokenWeight(ratio, advantages[i], bounds) / tokens);
    }

    /// <summary>
    /// GSPO: GRPO with one ratio for an answer, the geometric mean exp(1/|o| Σ_t log r_t), and a narrow mask around 1.
    /// </summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    /// <param name="ratioMin">Absolute lower bound.</param>
    /// <param name="ratioMax">Absolute upper bound.</param>
    public static Tensor Gspo(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, float ratioMin = 0.9997f, float ratioMax = 1.0004f)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.Group);
        var bounds = PolicyBounds.Grpo(ratioMin, ratioMax);
        return Weighted(logprobs, answers, AnswerRatio, (i, ratio) =>
            PolicyKernel.TokenWeight(ratio, advantages[i], bounds) / answers[i].Tokens / answers.Count);
    }

    /// <summary>REINFORCE with importance sampling: J = 1/Σ|o_i| Σ_i Σ_t sg(r) · A · log π, neither capped nor masked.</summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    public static Tensor ReinforceIs(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.Group);
        var tokens = TokensOf(answers);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) => PolicyKernel.TokenWeight(ratio, advantages[i], PolicyBounds.ReinforceIs) / tokens);
    }

    /// <summary>RLOO: J = 1/N Σ_i 1/|o_i| Σ_t sg(r) · A · log π, A the reward less the mean reward of the other answers of its group.</summary>
    /// <param name="logprobs">New log-probabilities of the whole batch, with gradients.</param>
    /// <param name="answers">The answers in it.</param>
    public static Tensor Rloo(Tensor logprobs, IReadOnlyList<ScoredAnswer> answers)
    {
        var advantages = AdvantagesOf(answers, AdvantageScale.LeaveOneOut);
        return Weighted(logprobs, answers, TokenRatios, (i, ratio) =>
            PolicyKernel.TokenWeight(ratio, advantages[i], PolicyBounds.ReinforceIs) / answers[i].Tokens / answers.Count);
    }

    private static double TokensOf(IReadOnlyList<ScoredAnswer> answers) => answers.Sum(static answer => (double)answer.Tokens);

    /// <summary>The advantage of each answer within its group.</summary>
    private static double[] AdvantagesOf(IReadOnlyList<ScoredAnswer> answers, AdvantageScale scale)
    {
        var groups = answers.Select(static (answer, i) => (answer, i)).GroupBy(static item => item.answer.Group).Select(static group => group.ToArray()).ToArray();
        var values = Advantages.Of([.. groups.Select(static group => group.Select(static item => item.answer.Reward).ToArray())], scale);
        var result = new double[answers.Count];
        foreach (var (item, value) in groups.SelectMany(static group => group).Zip(values.SelectMany(static group => group)))
        {
            result[item.i] = value;
        }

        return result;
    }

    private static double[] TokenRatios(ScoredAnswer answer, float[] logprobs) => [.. logprobs.Select((now, t) => Math.Exp((double)now - answer.OldLogprobs[t]))];

    private static double[] AnswerRatio(ScoredAnswer answer, float[] logprobs)
    {
        var mean = logprobs.Select((now, t) => answer.InLoss(t) ? (double)now - answer.OldLogprobs[t] : 0).Sum() / answer.Tokens;
        return [.. logprobs.Select(_ => Math.Exp(mean))];
    }

    /// <summary>−Σ_i Σ_t sg(weight(i, r)) · log π.</summary>
    private static Tensor Weighted(
        Tensor logprobs, IReadOnlyList<ScoredAnswer> answers, Func<ScoredAnswer, float[], double[]> ratiosOf, Func<int, double, double> weight)
    {
        using var detached = logprobs.detach().contiguous();
        var now = detached.Values();
        var weights = new float[now.Length];
        for (var i = 0; i < answers.Count; i++)
        {
            var answer = answers[i];
            var ratios = ratiosOf(answer, now.Slice(answer.Start, answer.OldLogprobs.Length).ToArray());
            for (var t = 0; t < ratios.Length; t++)
            {
                weights[answer.Start + t] = answer.InLoss(t) ? (float)weight(i, ratios[t]) : 0;
            }
        }

        return -(weights.ToTensor(weights.Length) * logprobs).sum();
    }
}
