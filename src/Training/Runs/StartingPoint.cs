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
        var module = run.Lora is { } lora ? Adapted(run, lora, checkpoint.Adapter) : checkpoint.LoadModule(run.ModuleOptions);
        return new StartingPoint(module, tokenizer, CheckpointFiles.Of(checkpoint.Folder, run.ToJson()), checkpoint);
    }

    /// <summary>An existing model.</summary>
    public static StartingPoint OfModel(TrainingRun run, string model)
    {
        var module = MiniMaxM1Module.Load(model, run.ModuleOptions);
        if (run.Lora is { } lora)
        {
            module.AddLora(lora, run.Seed);
        }

        return new StartingPoint(module, Tokenizer.Load(model), CheckpointFiles.Of(model, run.ToJson()));
    }

    /// <inheritdoc/>
    public void Dispose() => Module.Dispose();

    /// <summary>The frozen weights from the model that the run began with, and the adapters from the checkpoint.</summary>
    private static MiniMaxM1Module Adapted(TrainingRun run, LoraOptions lora, string adapter)
    {
        var module = MiniMaxM1Module.Load(run.Model!, run.ModuleOptions);
        LoraFile.Load(adapter, module);
        if (module.Lora!.Rank == lora.Rank && module.Lora.Alpha == lora.Alpha)
        {
            return module;
        }

        var stored = module.Lora;
        module.Dispose();
        throw new InvalidInputException(FormattableString.Invariant(
            $"{adapter} is of rank {stored.Rank} and alpha {stored.Alpha}, and the run asks for {lora.Rank} and {lora.Alpha}. Resume without the LoRA options."));
    }
}
