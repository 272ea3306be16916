using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>
/// Prompts from the environments of a recipe, by weight or by its curriculum: those of the RL split for training, those of the evaluation split for evaluation.
/// Prompts that its difficulty filter found too easy or too hard are not asked again.
/// </summary>
public sealed class TaskPrompts
{
    private const int Tries = 2000;
    private readonly RlRun run;
    private readonly Curriculum? curriculum;
    private readonly DifficultyFilter? filter;
    private readonly SortedDictionary<string, (int Samples, int Right)> outcomes = new(StringComparer.Ordinal); // Kept only for the filter.

    /// <summary>The prompts of a recipe.</summary>
    /// <exception cref="InvalidInputException">An environment, a level or a weight is wrong.</exception>
    public TaskPrompts(RlRun run)
    {
        this.run = run;
        filter = run.DifficultyFilter;
        curriculum = run.Curriculum is null ? null : new Curriculum([.. run.Tasks.Select(Entry)], run.Curriculum with { Seed = run.Seed, Split = TaskSplit.Rl });
    }

    /// <summary>The source for a run.</summary>
    public RlPromptSource Source() => new(Training, Evaluation, Observe, Save, Restore);

    private RlPrompt Training(long step, int number)
    {
        if (curriculum is not null)
        {
            return Prompt(curriculum.Draw(step, number, IsWanted));
        }

        var open = run.Tasks.Where(task => task.WeightAt(step) > 0).ToArray();
        return Prompt(Draw(Pick(open, step, RolloutSeed.Of(run.Seed, 1, step, number)), TaskSplit.Rl, RolloutSeed.Of(run.Seed, 2, step, number)));
    }

    /// <summary>The same prompts for every seed of a run, so that runs can be compared. Tasks that begin later are evaluated from the start.</summary>
    private RlPrompt Evaluation(int number) => Prompt(Draw(Pick(run.Tasks, long.MaxValue, RolloutSeed.Of(3, number)), TaskSplit.Evaluation, RolloutSeed.Of(4, number)));

    private static RlTask Pick(IReadOnlyList<RlTask> tasks, long step, ulong seed)
    {
        var place = (seed >> 11) * (1.0 / (1UL << 53)) * tasks.Sum(task => task.WeightAt(step));
        foreach (var task in tasks)
        {
            if ((place -= task.WeightAt(step)) < 0)
            {
                return task;
            }
        }

        return tasks[^1];
    }

    private EnvironmentPrompt Draw(RlTask task, TaskSplit split, ulong seed)
    {
        for (var i = 0; i < Tries; i++)
        {
            var start = EnvironmentPrompt.Sample(task.Task, task.Level, RolloutSeed.Of(seed, i), task.Language ?? run.Language);
            if (start.Split == split && (split != TaskSplit.Rl || IsWanted(start)))
            {
                return start;
            }
        }

        throw new InvalidInputException($"The task {task.Task} has too few problems of level {task.Level} for the split {split}. Take a harder level, or a wider difficulty filter.");
    }

    private RlPrompt Prompt(EnvironmentPrompt start) => new(() => start.Create(run.FormatWeight), start);

    private bool IsWanted(EnvironmentPrompt start) =>
        filter is null || !outcomes.TryGetValue(Key(start), out var seen) || filter.Keeps(seen.Samples, seen.Right);

    private void Observe(long step, IReadOnlyList<RolloutGroup> groups)
    {
        foreach (var group in groups)
        {
            var start = group.Prompt.Start!;
            var right = group.Judged.Count(static rollout => rollout.Rewards.Any(static term => term.Name == Reward.CorrectName && term.Value >= 1));
            curriculum?.Record(start, group.Judged.Count, right);
            if (filter is not null && group.Judged.Count > 0)
            {
                outcomes.TryGetValue(Key(start), out var before);
                outcomes[Key(start)] = (before.Samples + group.Judged.Count, before.Right + right);
            }
        }
    }

    private JsonObject Save() => new()
    {
        ["curriculum"] = curriculum?.Save(),
        ["outcomes"] = new JsonObject(outcomes.Select(static pair => KeyValuePair.Create(pair.Key, (JsonNode?)new JsonArray(pair.Value.Samples, pair.Value.Right)))),
    };

    private void Restore(JsonObject state)
    {
        if (state["curriculum"] is JsonObject progress)
        {
            curriculum?.Restore(progress);
        }

        outcomes.Clear();
        foreach (var (key, value) in state["outcomes"]?.AsObject() ?? [])
        {
            outcomes[key] = ((int)value![0]!, (int)value[1]!);
        }
    }

    private static string Key(EnvironmentPrompt start) => $"{start.Name}/{start.Id}";

    private CurriculumEntry Entry(RlTask task) => new(task.Task)
    {
        Weight = task.Weight,
        Level = task.Level,
        MaxLevel = task.MaxLevel,
        From = task.FromStep <= 1 ? 0 : task.FromStep,
        Ramp = task.Ramp,
        Language = task.Language ?? run.Language,
    };
}
