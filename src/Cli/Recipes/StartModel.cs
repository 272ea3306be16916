using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>The model that a reinforcement recipe starts from when none is given: made in two runs from generated data and fixed seeds.</summary>
/// <param name="Pretraining">From nothing to a model that knows the texts of the task.</param>
/// <param name="FineTuning">From there to one that answers questions.</param>
internal sealed record StartModel(TrainingRecipe<PretrainRun> Pretraining, TrainingRecipe<SftRun> FineTuning)
{
    /// <summary>Makes the model, or goes on where an earlier attempt stopped.</summary>
    /// <param name="folder">Folder of both runs.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="note">Receives sentences for people.</param>
    /// <param name="cancellationToken">Stops after a checkpoint.</param>
    /// <returns>The folder of the fine-tuned model.</returns>
    public string Make(string folder, IProgress<TrainingProgress>? progress, Action<string>? note, CancellationToken cancellationToken)
    {
        var (first, second) = (Path.Combine(folder, "pretraining"), Path.Combine(folder, "fine-tuning"));
        var model = Finished(first, Pretraining.Run.Steps) ?? Make(Pretraining, first, run => Pretrain.Run(run, first, resume: true, progress, note, cancellationToken));
        return Finished(second, FineTuning.Run.Steps)
            ?? Make(FineTuning with { Run = FineTuning.Run with { Model = model } }, second, run => Sft.Run(run, second, resume: true, progress, note, cancellationToken));
    }

    private static string Make<TRun>(TrainingRecipe<TRun> recipe, string folder, Func<TRun, TrainingResult> train)
        where TRun : TrainingRun
    {
        recipe.WriteData?.Invoke(folder);
        return Path.GetFullPath(train(recipe.Run).Checkpoint);
    }

    private static string? Finished(string folder, int steps) =>
        TrainingCheckpoint.Latest(folder) is { } checkpoint && checkpoint.Step == steps ? Path.GetFullPath(checkpoint.Folder) : null;
}
