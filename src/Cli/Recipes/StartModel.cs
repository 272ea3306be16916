using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>The model that a reinforcement recipe starts from when none is given: made from generated data and fixed seeds.</summary>
/// <param name="Pretraining">From nothing to a model that knows the texts of the task.</param>
/// <param name="FineTunings">From there to one that answers questions, each from the one before.</param>
internal sealed record StartModel(TrainingRecipe<PretrainRun> Pretraining, params IReadOnlyList<TrainingRecipe<SftRun>> FineTunings)
{
    /// <summary>Makes the model, or goes on where an earlier attempt stopped.</summary>
    /// <param name="folder">Folder of the runs.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="note">Receives sentences for people.</param>
    /// <param name="cancellationToken">Stops after a checkpoint.</param>
    /// <returns>The folder of the fine-tuned model.</returns>
    public string Make(string folder, IProgress<TrainingProgress>? progress, Action<string>? note, CancellationToken cancellationToken)
    {
        var model = Make(Pretraining, folder, (run, name) => Pretrain.Run(run, name, resume: true, progress, note, cancellationToken));
        foreach (var tuning in FineTunings)
        {
            model = Make(tuning with { Run = tuning.Run with { Model = model } }, folder, (run, name) => Sft.Run(run, name, resume: true, progress, note, cancellationToken));
        }

        return model;
    }

    private static string Make<TRun>(TrainingRecipe<TRun> recipe, string parent, Func<TRun, string, TrainingResult> train)
        where TRun : TrainingRun
    {
        var folder = Path.Combine(parent, recipe.Run.Recipe);
        if (TrainingCheckpoint.Latest(folder) is { } finished && finished.Step == recipe.Run.Steps)
        {
            return Path.GetFullPath(finished.Folder);
        }

        recipe.WriteData?.Invoke(folder);
        return Path.GetFullPath(train(recipe.Run, folder).Checkpoint);
    }
}
