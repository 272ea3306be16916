using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Pretraining on plain texts (report 2.1): every token is predicted.</summary>
public static class Pretrain
{
    /// <summary>Trains to the end of the recipe.</summary>
    /// <param name="run">The recipe.</param>
    /// <param name="folder">Folder of the run.</param>
    /// <param name="resume">True goes on from the last checkpoint there, or from the beginning when there is none.</param>
    /// <param name="progress">Receives each step.</param>
    /// <param name="note">Receives sentences for people.</param>
    /// <param name="cancellationToken">Stops after the step; a checkpoint is written first.</param>
    /// <exception cref="InvalidInputException">The recipe or the data is unusable.</exception>
    /// <exception cref="NonFiniteLossException">The loss or a gradient is not finite.</exception>
    public static TrainingResult Run(
        PretrainRun run, string folder, bool resume = false, IProgress<TrainingProgress>? progress = null, Action<string>? note = null, CancellationToken cancellationToken = default)
    {
        run.Validate();
        using var runFolder = RunFolder.Open(folder, resume);
        runFolder.WriteRecipe(run.ToJson());
        using var start = (resume ? StartingPoint.Resumed(run, folder, note) : null) ?? Begin(run, folder, note);
        return TrainingLoop.Run(run, runFolder, start, progress, note, cancellationToken);
    }

    private static StartingPoint Begin(PretrainRun run, string folder, Action<string>? note)
    {
        if (run.Model is { } model)
        {
            return StartingPoint.OfModel(run, model);
        }

        var files = run.Tokenizer is { } known ? CheckpointFiles.Of(known, run.ToJson()) : CheckpointFiles.Of(LearnTokenizer(run, folder, note), run.ToJson());
        var tokenizer = run.Tokenizer is null ? Tokenizer.Parse(files.Files["tokenizer.json"], "the learnt tokenizer") : Tokenizer.Load(run.Tokenizer);
        var module = MiniMaxM1Module.Create(run.Config! with { VocabSize = tokenizer.VocabularySize }, (long)run.Seed, run.ModuleOptions);
        return new StartingPoint(module, tokenizer, files);
    }

    private static byte[] LearnTokenizer(PretrainRun run, string folder, Action<string>? note)
    {
        // Digit by digit: numbers that are cut into changing pieces are hard to calculate with.
        var trainer = new BytePairTrainer(mergeDigits: false);
        foreach (var path in run.Data.SelectMany(static source => source.Files))
        {
            using var file = RecordFile.Open(Path.Combine(folder, path));
            for (var record = 0L; record < file.Count; record++)
            {
                trainer.Add(RecordText.Of(file.Read(record), null, file.Place(record)));
            }
        }

        note?.Invoke(FormattableString.Invariant($"The tokenizer is learnt from {trainer.ByteCount:N0} bytes of text."));
        return trainer.Train(run.VocabularySize);
    }
}
