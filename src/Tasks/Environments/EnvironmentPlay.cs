using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>Plays environments with a policy and scores them.</summary>
/// <param name="generate">The policy.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="sampling">How each turn is drawn. With a seed, every sample of every group has draws of its own that can be repeated.</param>
/// <param name="scoring">Runs the rewards.</param>
public sealed class EnvironmentPlay(Generate generate, Tokenizer tokenizer, SamplingParams sampling, RewardScoring scoring)
{
    /// <summary>Bounds of an episode.</summary>
    public EpisodeOptions Episode { get; init; } = new();

    /// <summary>Weight of the format reward of questions.</summary>
    public double FormatWeight { get; init; }

    /// <summary>Who plays customers; null is the script.</summary>
    public CustomerTurn? Customer { get; init; }

    /// <summary>One sample of a group, scored.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<Rollout> Play(EnvironmentPrompt prompt, int group, int sample, CancellationToken cancellationToken = default)
    {
        var environment = prompt.Create(FormatWeight, Customer);
        var seed = sampling.Seed is { } all ? TaskRandom.Named($"{group}/{sample}", all).NextBits() >> 1 : (ulong?)null;
        var rollout = await Tasks.Episode.Run(environment, generate, tokenizer, sampling with { Seed = seed }, Episode, cancellationToken).ConfigureAwait(false);
        return await scoring.Score(rollout with { Group = group, Sample = sample }, environment.Rewards, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>All samples of a group, side by side.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public Task<Rollout[]> PlayGroup(EnvironmentPrompt prompt, int group, int samples, CancellationToken cancellationToken = default) =>
        Task.WhenAll(Enumerable.Range(0, samples).Select(sample => Play(prompt, group, sample, cancellationToken)));
}
