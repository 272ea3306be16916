using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>Keeps prompts whose pass@k lies strictly between two bounds (report: pass@10 of a strong model between 0 and 0.9).</summary>
/// <param name="K">Samples that may be taken.</param>
/// <param name="Above">Prompts at or below this are too hard.</param>
/// <param name="Below">Prompts at or above this are too easy.</param>
public sealed record DifficultyFilter(int K = 10, double Above = 0, double Below = 0.9)
{
    /// <summary>pass@k of a prompt; null where it has fewer than k samples.</summary>
    public double? PassRate(int samples, int right) => samples < K ? null : PassAtK.Any(samples, right, K);

    /// <summary>Whether a prompt is kept; one that was not measured often enough is.</summary>
    public bool Keeps(int samples, int right) => PassRate(samples, right) is not { } rate || (rate > Above && rate < Below);

    /// <summary>Asks a policy each prompt and keeps those between the bounds, in their order, with the number of right answers.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="samples">Answers to each, at least k.</param>
    /// <param name="answer">Plays one episode and scores it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidInputException">Fewer samples than k.</exception>
    public async Task<IReadOnlyList<(EnvironmentPrompt Prompt, int Right)>> Apply(
        IEnumerable<EnvironmentPrompt> prompts, int samples, Func<EnvironmentPrompt, int, CancellationToken, Task<Rollout>> answer, CancellationToken cancellationToken = default)
    {
        if (samples < K)
        {
            throw new InvalidInputException($"{samples} samples of a prompt cannot give pass@{K}. Take {K} samples or more.");
        }

        var kept = new List<(EnvironmentPrompt, int)>();
        foreach (var prompt in prompts)
        {
            var rollouts = await Task.WhenAll(Enumerable.Range(0, samples).Select(sample => answer(prompt, sample, cancellationToken))).ConfigureAwait(false);
            var scored = rollouts.Where(rollout => rollout.Error is null).ToArray();
            var right = scored.Count(rollout => rollout.Rewards.Any(term => term.Name == Reward.CorrectName && term.Value >= 1));
            if (scored.Length >= K && Keeps(scored.Length, right))
            {
                kept.Add((prompt, right));
            }
        }

        return kept;
    }
}
