namespace MiniMaxSharp.Training;

/// <summary>Supervised fine-tuning (report 2.2): the turns of the assistant are predicted, reasoning included.</summary>
public static class Sft
{
    /// <summary>Trains to the end of the recipe.</summary>
    /// <inheritdoc cref="Pretrain.Run"/>
    public static TrainingResult Run(
        SftRun run, string folder, bool resume = false, IProgress<TrainingProgress>? progress = null, Action<string>? note = null, CancellationToken cancellationToken = default)
    {
        run.Validate();
        using var runFolder = RunFolder.Open(folder, resume);
        runFolder.WriteRecipe(run.ToJson());
        using var start = (resume ? StartingPoint.Resumed(run, folder, note) : null) ?? StartingPoint.OfModel(run, run.Model!);
        return TrainingLoop.Run(run, runFolder, start, progress, note, cancellationToken);
    }
}
