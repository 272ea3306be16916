using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>Prompts from the catalogue of tasks: those of the RL split for training, those of the evaluation split for evaluation.</summary>
/// <param name="run">The recipe: tasks with weights, and the step that each begins at.</param>
/// <param name="tokenizer">The tokenizer of the policy.</param>
public sealed class TaskPrompts(RlRun run, Tokenizer tokenizer)
{
    private const int Tries = 2000;

    /// <summary>The source for a run.</summary>
    public RlPromptSource Source(Action<long, IReadOnlyList<RolloutGroup>>? observe = null) => new(Training, Evaluation, observe);

    private RlPrompt Training(long step, int number)
    {
        var open = run.Tasks.Where(task => task.FromStep <= step).ToArray();
        return Prompt(Pick(open, RolloutSeed.Of(run.Seed, 1, step, number)), TaskSplit.Rl, RolloutSeed.Of(run.Seed, 2, step, number));
    }

    /// <summary>The same prompts for every seed of a run, so that runs can be compared. Tasks that begin later are evaluated from the start.</summary>
    private RlPrompt Evaluation(int number) => Prompt(Pick(run.Tasks, RolloutSeed.Of(3, number)), TaskSplit.Evaluation, RolloutSeed.Of(4, number));

    private static RlTask Pick(IReadOnlyList<RlTask> tasks, ulong seed)
    {
        var place = (seed >> 11) * (1.0 / (1UL << 53)) * tasks.Sum(static task => task.Weight);
        foreach (var task in tasks)
        {
            if ((place -= task.Weight) < 0)
            {
                return task;
            }
        }

        return tasks[^1];
    }

    private RlPrompt Prompt(RlTask choice, TaskSplit split, ulong seed)
    {
        var task = TaskCatalog.Get(choice.Task);
        for (var i = 0; i < Tries; i++)
        {
            var instance = task.Sample(choice.Level, RolloutSeed.Of(seed, i), choice.Language ?? run.Language);
            if (instance.Split == split)
            {
                return new RlPrompt(task.Name, choice.Level, instance.Id, instance.Prompt, ChatPrompt.Encode(new Conversation(instance.Messages), tokenizer), Reward(task, instance));
            }
        }

        throw new InvalidInputException($"The task {choice.Task} has too few problems of level {choice.Level} for the split {split}. Take a harder level.");
    }

    private Func<string, CancellationToken, ValueTask<IReadOnlyDictionary<string, double>>> Reward(ReasoningTask task, TaskInstance instance) => (reply, _) =>
    {
        var verdict = task.Verify(instance, reply);
        if (verdict.IsError)
        {
            throw new InvalidOperationException(verdict.Reason);
        }

        var terms = new Dictionary<string, double>(StringComparer.Ordinal) { [RlMetrics.Correct] = verdict.Score };
        if (run.FormatWeight > 0)
        {
            terms["format"] = run.FormatWeight * FinalAnswer.FormatReward(reply);
        }

        return ValueTask.FromResult<IReadOnlyDictionary<string, double>>(terms);
    };
}
