using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>The answers to one prompt.</summary>
/// <param name="Number">Number of the prompt within its step.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Rollouts">All answers.</param>
public sealed record RolloutGroup(int Number, RlPrompt Prompt, IReadOnlyList<Rollout> Rollouts)
{
    /// <summary>Answers where neither grader nor environment failed.</summary>
    public IReadOnlyList<Rollout> Judged { get; } = [.. Rollouts.Where(static rollout => rollout.Error is null)];

    /// <summary>Rewards of <see cref="Judged"/>.</summary>
    public double[] Rewards => [.. Judged.Select(static rollout => rollout.Reward)];

    /// <summary>True when all rewards are equal, so that the group has nothing to teach.</summary>
    public bool IsFlat => Advantages.IsFlat(Rewards);
}

/// <summary>What was generated for one step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Groups">Groups to train on.</param>
/// <param name="All">All groups, dropped ones too.</param>
/// <param name="PolicyVersion">Optimiser steps behind the weights that drew them.</param>
/// <param name="Rounds">Rounds of sampling.</param>
/// <param name="Window">Most tokens of an answer.</param>
/// <param name="RolloutTime">Time of drawing.</param>
/// <param name="RewardTime">Time of judging.</param>
public sealed record RolloutBatch(
    long Step, IReadOnlyList<RolloutGroup> Groups, IReadOnlyList<RolloutGroup> All, long PolicyVersion, int Rounds, int Window, TimeSpan RolloutTime, TimeSpan RewardTime)
{
    /// <summary>All answers, those of dropped groups too.</summary>
    public IEnumerable<Rollout> Rollouts => All.SelectMany(static group => group.Rollouts);

    /// <summary>Tokens that the policy drew, those of dropped groups too.</summary>
    public long GeneratedTokens => Rollouts.Sum(static rollout => (long)rollout.PolicyTokens);
}
