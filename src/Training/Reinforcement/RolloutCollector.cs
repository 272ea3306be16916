using System.Diagnostics;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>Draws and judges the groups of a step: bounded dynamic sampling, rewards side by side with time-outs, the overlong penalty.</summary>
/// <param name="run">The recipe.</param>
/// <param name="engine">The engine, with weights.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="source">The prompts.</param>
public sealed class RolloutCollector(RlRun run, RolloutEngine engine, Tokenizer tokenizer, RlPromptSource source)
{
    private readonly RewardScoring scoring = new(TimeSpan.FromSeconds(run.RewardTimeout));
    private readonly Lock promptGate = new(); // With a staleness, prompts are drawn while others are observed.

    /// <summary>The groups of a step.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="window">Most tokens of an answer.</param>
    /// <param name="cancellationToken">The caller gave up.</param>
    public RolloutBatch Collect(long step, int window, CancellationToken cancellationToken)
    {
        var (all, kept, rounds) = (new List<RolloutGroup>(), new List<RolloutGroup>(), 0);
        var (rolloutTime, rewardTime) = (TimeSpan.Zero, TimeSpan.Zero);
        Reward[] overlong = run.OverlongCache > 0 ? [new OverlongPenalty(window, run.OverlongCache).AsReward()] : [];
        while (kept.Count < run.PromptsPerStep && rounds < (run.DynamicSampling ? run.MaxSamplingRounds : 1))
        {
            rounds++;
            var started = Stopwatch.GetTimestamp();
            var numbers = Enumerable.Range(all.Count, run.PromptsPerStep - kept.Count).ToArray();
            var prompts = Prompts(step, numbers);
            var episodes = numbers.Zip(prompts).SelectMany(pair => Enumerable.Range(0, run.GroupSize).Select(sample =>
                new EpisodeStart(pair.Second.Create(), pair.First, sample, RolloutSeed.Of(run.Seed, 0, step, pair.First, sample)))).ToArray();
            var rollouts = new EpisodeBatch(engine, tokenizer, Bounds(window)).Play(episodes, cancellationToken);
            rolloutTime += Stopwatch.GetElapsedTime(started);
            started = Stopwatch.GetTimestamp();
            var groups = Judge(prompts, episodes, rollouts, step, overlong, cancellationToken);
            rewardTime += Stopwatch.GetElapsedTime(started);
            all.AddRange(groups);
            kept.AddRange(run.DynamicSampling || run.FilterFlatGroups ? groups.Where(static group => !group.IsFlat) : groups);
        }

        return new RolloutBatch(step, kept, all, engine.PolicyVersion, rounds, window, rolloutTime, rewardTime);
    }

    /// <summary>Answers to prompts of an evaluation, judged without the overlong penalty.</summary>
    public RolloutGroup[] Evaluate(IReadOnlyList<RlPrompt> prompts, long step, int samples, double temperature, int window, CancellationToken cancellationToken)
    {
        var episodes = prompts.SelectMany((prompt, number) => Enumerable.Range(0, samples).Select(sample =>
            new EpisodeStart(prompt.Create(), number, sample, RolloutSeed.Of(run.Seed, 6, step, number, sample)))).ToArray();
        var rollouts = new EpisodeBatch(engine, tokenizer, Bounds(window), temperature).Play(episodes, cancellationToken);
        return Judge(prompts, episodes, rollouts, step, [], cancellationToken);
    }

    /// <summary>The source learns from the groups of a step.</summary>
    public void Observe(RolloutBatch batch)
    {
        lock (promptGate)
        {
            source.Observe?.Invoke(batch.Step, batch.All);
        }
    }

    private EpisodeOptions Bounds(int window) => new() { MaxTokens = window, MaxTurns = run.MaxTurns };

    private RolloutGroup[] Judge(
        IReadOnlyList<RlPrompt> prompts, EpisodeStart[] episodes, Rollout[] rollouts, long step, Reward[] further, CancellationToken cancellationToken)
    {
        var judged = scoring.ScoreAll(
            rollouts.Zip(episodes, (rollout, episode) => (rollout with { Step = step }, (IReadOnlyList<Reward>)[.. episode.Environment.Rewards, .. further])), cancellationToken)
            .GetAwaiter().GetResult();
        return [.. judged.GroupBy(static rollout => rollout.Group).Select((group, i) => new RolloutGroup(group.Key, prompts[i], [.. group]))];
    }

    private RlPrompt[] Prompts(long step, int[] numbers)
    {
        lock (promptGate)
        {
            return [.. numbers.Select(number => source.Training(step, number))];
        }
    }
}
