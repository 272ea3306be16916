using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>How a model did on the prompts of one task, level and language with one thinking budget.</summary>
/// <param name="Task">Name of the environment.</param>
/// <param name="Level">Difficulty.</param>
/// <param name="Language">Language of the prompts.</param>
/// <param name="Budget">Most tokens of thinking; null is no limit.</param>
/// <param name="Greedy">The greedy answer to each prompt.</param>
/// <param name="Drawn">The drawn answers, drawn[prompt][sample]; empty where none were drawn.</param>
public sealed record TaskScore(string Task, int Level, TaskLanguage Language, int? Budget, IReadOnlyList<Rollout> Greedy, IReadOnlyList<IReadOnlyList<Rollout>> Drawn)
{
    /// <summary>Share of greedy answers that are right; those whose grader failed do not count.</summary>
    public double GreedyAccuracy => PassAtK.Average(Scores([.. Greedy.Select(rollout => new[] { rollout })]));

    /// <summary>avg@n of the drawn answers; null where none were drawn.</summary>
    public double? Average => Drawn.Count == 0 ? null : PassAtK.Average(Scores(Drawn));

    /// <summary>The score as JSON.</summary>
    public JsonObject ToJson()
    {
        var greedy = Scores([.. Greedy.Select(rollout => new[] { rollout })]);
        var json = new JsonObject
        {
            ["task"] = Task,
            ["level"] = Level,
            ["language"] = Language.Code(),
            ["budget"] = Budget,
            ["prompts"] = Greedy.Count,
            ["errors"] = Greedy.Concat(Drawn.SelectMany(group => group)).Count(rollout => rollout.Error is not null),
            ["greedy"] = PassAtK.Average(greedy),
            ["greedy_error"] = PassAtK.ClusteredStandardError(greedy),
            ["greedy_tokens"] = Greedy.Average(rollout => rollout.PolicyTokens),
            ["greedy_unfinished"] = Greedy.Count(rollout => rollout.StopReason != StopReasons.Stop),
        };
        if (Drawn.Count > 0)
        {
            var drawn = Scores(Drawn);
            json["samples"] = Drawn[0].Count;
            json["average"] = PassAtK.Average(drawn);
            json["average_error"] = PassAtK.ClusteredStandardError(drawn);
            var n = drawn.Min(group => group.Count);
            json["pass_at_n"] = drawn.Average(group => PassAtK.Any(group.Count, group.Count(value => value >= 1), n));
        }

        return json;
    }

    /// <summary>Scores of the prompts that have any; a prompt whose graders all failed is left out, and nothing but failures is a score of 0.</summary>
    private static IReadOnlyList<IReadOnlyList<double>> Scores(IReadOnlyList<IReadOnlyList<Rollout>> groups)
    {
        double[][] scored = [.. groups.Select(group => group.Where(rollout => rollout.Error is null).Select(Correct).ToArray()).Where(group => group.Length > 0)];
        return scored.Length > 0 ? scored : [[0.0]];
    }

    private static double Correct(Rollout rollout) => rollout.Rewards.FirstOrDefault(term => term.Name == Reward.CorrectName)?.Value ?? 0;
}
