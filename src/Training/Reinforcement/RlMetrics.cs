using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>The metrics of a step and of an evaluation, under the names that users know.</summary>
public static class RlMetrics
{
    /// <summary>Name of the reward term that says whether an answer is right.</summary>
    public const string Correct = "correct";

    /// <summary>What was generated for a step; over all groups, dropped ones too.</summary>
    public static Dictionary<string, double> Of(RolloutBatch batch)
    {
        var answers = batch.All.SelectMany(static group => group.Answers).ToArray();
        var judged = batch.All.Where(static group => group.Judged.Count > 0).ToArray();
        var lengths = answers.Select(static answer => answer.Answer.Tokens.Length).Order().ToArray();
        double Share(Func<JudgedAnswer, bool> which) => answers.Count(which) / (double)answers.Length;
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["reward"] = judged.Length == 0 ? 0 : judged.SelectMany(static group => group.Rewards).Average(),
            ["reward_std"] = judged.Length == 0 ? 0 : judged.Average(static group => Advantages.Deviation(group.Rewards)),
            ["frac_reward_zero_std"] = batch.All.Count(static group => group.IsFlat) / (double)batch.All.Count,
            ["reward_errors"] = Share(static answer => answer.Error is not null),
            ["completions/mean_length"] = lengths.Average(),
            ["completions/min_length"] = lengths[0],
            ["completions/max_length"] = lengths[^1],
            ["completions/clipped_ratio"] = Share(static answer => answer.IsTruncated),
            ["repetition_stops"] = answers.Count(static answer => answer.Answer.StopReason == FinishReason.Repetition),
            ["entropy"] = -MeanLogprob(batch), // Drawn at temperature 1, −log p is an unbiased sample of the entropy.
            ["sampling_rounds"] = batch.Rounds,
            ["groups_kept"] = batch.Groups.Count,
            ["groups_generated"] = batch.All.Count,
            ["output_window"] = batch.Window,
        };
        foreach (var term in answers.SelectMany(static answer => answer.Terms).GroupBy(static term => term.Key))
        {
            metrics[$"rewards/{term.Key}/mean"] = term.Average(static pair => pair.Value);
        }

        foreach (var task in judged.GroupBy(static group => group.Prompt.Task).Where(_ => judged.Select(static group => group.Prompt.Task).Distinct().Skip(1).Any()))
        {
            metrics[$"reward/{task.Key}"] = task.SelectMany(static group => group.Rewards).Average();
        }

        return metrics;
    }

    /// <summary>Mean log-probability of all drawn tokens.</summary>
    public static double MeanLogprob(RolloutBatch batch)
    {
        var (sum, count) = (0.0, 0L);
        foreach (var answer in batch.All.SelectMany(static group => group.Answers))
        {
            foreach (var logprob in answer.Answer.Logprobs)
            {
                sum += logprob;
            }

            count += answer.Answer.Logprobs.Length;
        }

        return sum / Math.Max(1, count);
    }

    /// <summary>Greedy accuracy, avg@n with its clustered standard error, and pass@k.</summary>
    /// <param name="greedy">One answer of each prompt.</param>
    /// <param name="drawn">n answers of each prompt; empty without.</param>
    public static Dictionary<string, double> Evaluation(IReadOnlyList<RolloutGroup> greedy, IReadOnlyList<RolloutGroup> drawn)
    {
        static double Score(JudgedAnswer answer) => answer.Terms.TryGetValue(Correct, out var correct) ? correct : answer.Terms.Values.Sum();
        var metrics = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["eval/greedy"] = greedy.Average(static group => Score(group.Answers[0])),
            ["eval/mean_length"] = greedy.Average(static group => group.Answers[0].Answer.Tokens.Length),
        };
        if (drawn.Count > 0)
        {
            var n = drawn[0].Answers.Count;
            IReadOnlyList<IReadOnlyList<double>> scores = [.. drawn.Select(static group => group.Answers.Select(Score).ToArray())];
            metrics[$"eval/avg@{n}"] = PassAtK.Average(scores);
            metrics[$"eval/avg@{n}_stderr"] = PassAtK.ClusteredStandardError(scores);
            for (var k = 1; k <= n; k *= 2)
            {
                metrics[$"eval/pass@{k}"] = scores.Average(samples => PassAtK.Any(n, samples.Count(static score => score >= 1), k));
            }
        }

        return metrics;
    }
}
