using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>What a run begins or goes on with.</summary>
/// <param name="Module">The model.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Files">What its checkpoints hold beside the weights.</param>
/// <param name="Checkpoint">The checkpoint that the run goes on from; null at the beginning.</param>
internal sealed record StartingPoint(MiniMaxM1Module Module, Tokenizer Tokenizer, CheckpointFiles Files, TrainingCheckpoint? Checkpoint = null) : IDisposable
{
    /// <summary>The last whole checkpoint of a run, or null when there is none.</summary>
    public static StartingPoint? Resumed(TrainingRun run, string runFolder, Action<string>? note)
    {
        if (TrainingCheckpoint.Latest(runFolder, note) is not { } checkpoint)
        {
            return null;
        }

        note?.Invoke($"Going on from {checkpoint.Folder}.");
        var tokenizer = Tokenizer.Load(checkpoint.Folder);
        return new StartingPoint(checkpoint.LoadModule(run.ModuleOptions), tokenizer, CheckpointFiles.Of(checkpoint.Folder, run.ToJson()), checkpoint);
    }

    /// <summary>An existing model.</summary>
    public static StartingPoint OfModel(TrainingRun run, string model) =>
        new(MiniMaxM1Module.Load(model, run.ModuleOptions), Tokenizer.Load(model), CheckpointFiles.Of(model, run.ToJson()));

    /// <inheritdoc/>
    public void Dispose() => Module.Dispose();
}
