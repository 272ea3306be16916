using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>The metrics of a step and of an evaluation, under the names that users know.</summary>
public static class RlMetrics
{
    /// <summary>What was generated for a step; over all groups, dropped ones too.</summary>
    public static Dictionary<string, double> Of(RolloutBatch batch)
    {
        var rollouts = batch.Rollouts.ToArray();
        var judged = batch.All.Where(static group => group.Judged.Count > 0).ToArray();
        var lengths = rollouts.Select(static rollout => rollout.PolicyTokens).Order().ToArray();
        double Share(Func<Rollout, bool> which) => rollouts.Count(which) / (double)rollouts.Length;
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["reward"] = judged.Length == 0 ? 0 : judged.SelectMany(static group => group.Rewards).Average(),
            ["reward_std"] = judged.Length == 0 ? 0 : judged.Average(static group => Advantages.Deviation(group.Rewards)),
            ["frac_reward_zero_std"] = batch.All.Count(static group => group.IsFlat) / (double)batch.All.Count,
            ["reward_errors"] = Share(static rollout => rollout.Error is not null),
            ["completions/mean_length"] = lengths.Average(),
            ["completions/min_length"] = lengths[0],
            ["completions/max_length"] = lengths[^1],
            ["completions/clipped_ratio"] = Share(static rollout => rollout.StopReason == StopReasons.Length),
            ["repetition_stops"] = rollouts.Count(static rollout => rollout.StopReason == StopReasons.Repetition),
            ["entropy"] = -MeanLogprob(batch), // Drawn at temperature 1, −log p is an unbiased sample of the entropy.
            ["sampling_rounds"] = batch.Rounds,
            ["groups_kept"] = batch.Groups.Count,
            ["groups_generated"] = batch.All.Count,
            ["output_window"] = batch.Window,
        };
        foreach (var term in rollouts.SelectMany(static rollout => rollout.Rewards).GroupBy(static term => term.Name))
        {
            metrics[$"rewards/{term.Key}/mean"] = term.Average(static one => one.Value);
        }

        foreach (var task in judged.GroupBy(static group => group.Judged[0].Task).Where(_ => judged.Select(static group => group.Judged[0].Task).Distinct().Skip(1).Any()))
        {
            metrics[$"reward/{task.Key}"] = task.SelectMany(static group => group.Rewards).Average();
        }

        return metrics;
    }

    /// <summary>Mean log-probability of all drawn tokens.</summary>
    public static double MeanLogprob(RolloutBatch batch)
    {
        var (sum, count) = (0.0, 0L);
        foreach (var rollout in batch.Rollouts)
        {
            foreach (var logprob in rollout.Logprobs) // 0 where the loss mask is 0.
            {
                sum += logprob;
            }

            count += rollout.PolicyTokens;
        }

        return sum / Math.Max(1, count);
    }

    /// <summary>Greedy accuracy, avg@n with its clustered standard error, and pass@k.</summary>
    /// <param name="greedy">One answer of each prompt.</param>
    /// <param name="drawn">n answers of each prompt; empty without.</param>
    public static Dictionary<string, double> Evaluation(IReadOnlyList<RolloutGroup> greedy, IReadOnlyList<RolloutGroup> drawn)
    {
        static double Score(Rollout rollout) => rollout.Rewards.FirstOrDefault(static term => term.Name == Reward.CorrectName)?.Value ?? rollout.Reward;
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["eval/greedy"] = greedy.Average(static group => Score(group.Rollouts[0])),
            ["eval/mean_length"] = greedy.Average(static group => group.Rollouts[0].PolicyTokens),
        };
        if (drawn.Count > 0)
        {
            var n = drawn[0].Rollouts.Count;
            IReadOnlyList<IReadOnlyList<double>> scores = [.. drawn.Select(static group => group.Rollouts.Select(Score).ToArray())];
            metrics[$"eval/avg@{n}"] = PassAtK.Average(scores);
            metrics[$"eval/avg@{n}_stderr"] = PassAtK.ClusteredStandardError(scores);
            for (var k = 1; k <= n; k *= 2)
            {
                metrics[$"eval/pass@{k}"] = scores.Average(samples => PassAtK.Any(n, samples.Count(static score => score >= 1), k));
            }

            var byThinking = drawn.SelectMany(static group => group.Rollouts).ToLookup(static rollout => rollout.Reply.AsSpan().TrimStart().StartsWith("<think>"));
            var (thinking, direct) = (byThinking[true].ToArray(), byThinking[false].ToArray());
            metrics["eval/think_share"] = thinking.Length / (double)(thinking.Length + direct.Length);
            foreach (var (name, answers) in new[] { ("eval/think_accuracy", thinking), ("eval/direct_accuracy", direct) }.Where(static part => part.Item2.Length > 0))
            {
                metrics[name] = answers.Average(Score);
            }
        }

        return metrics;
    }
}
