using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>The loop of pretraining and fine-tuning: batch, forward, backward, step; now and then an evaluation and a checkpoint.</summary>
internal sealed class TrainingLoop : IDisposable
{
    private const double LossMemory = 0.95;

    private readonly TrainingRun run;
    private readonly RunFolder folder;
    private readonly StartingPoint start;
    private readonly MiniMaxM1Module module;
    private readonly AdamW optimizer;
    private readonly DocumentReader reader;
    private readonly PackedBatches batches;
    private readonly IReadOnlyList<TrainingBatch> evaluation;
    private readonly RunLog log;
    private int step;
    private long tokens;
    private double meanLoss = double.NaN;
    private double? evaluationLoss;
    private string checkpointFolder = "";

    private TrainingLoop(TrainingRun run, RunFolder folder, StartingPoint start)
    {
        (this.run, this.folder, this.start, module) = (run, folder, start, start.Module);
        if (start.Tokenizer.VocabularySize > module.Config.VocabSize)
        {
            throw new InvalidInputException(
                $"The tokenizer has {start.Tokenizer.VocabularySize:N0} ids, the model {module.Config.VocabSize:N0}. Use the tokenizer that belongs to the model.");
        }

        reader = new DocumentReader(start.Tokenizer, run.Kind, run.EvaluationFiles.Count > 0 ? 0 : run.HeldOutShare);
        var state = start.Checkpoint?.State;
        evaluation = EvaluationBatches();
        batches = new PackedBatches(Sources(run.Data), run.Seed, reader, state?["cursor"]!.AsObject());
        optimizer = new AdamW(module, run.Optimizer);
        if (start.Checkpoint is { } checkpoint)
        {
            checkpoint.Restore(optimizer);
            (step, tokens, checkpointFolder) = ((int)checkpoint.Step, (long)state!["tokens"]!, checkpoint.Folder);
            meanLoss = (double?)state["mean_loss"] ?? double.NaN;
        }

        log = new RunLog(folder.Path, step);
    }

    /// <summary>Runs to the end of the recipe.</summary>
    public static TrainingResult Run(
        TrainingRun run, RunFolder folder, StartingPoint start, IProgress<TrainingProgress>? progress, Action<string>? note, CancellationToken cancellationToken)
    {
        using var loop = new TrainingLoop(run, folder, start);
        loop.Describe(note);
        return loop.Run(progress, note, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        log.Dispose();
        optimizer.Dispose();
        batches.Dispose();
    }

    private void Describe(Action<string>? note)
    {
        var surveys = DataSurvey.Of(Sources(run.Data), reader, run.Stages[^1].Length).ToList();
        folder.WriteText("data.json", new JsonArray([.. surveys.Select(static survey => survey.ToJson())]).ToJsonString() + "\n");
        if (note is null)
        {
            return;
        }

        surveys.ForEach(survey => note(survey.ToString()));
        note(Invariant($"{module.ParameterCount:N0} weights; {run.Steps:N0} steps of {run.BatchTokens:N0} tokens, {(long)run.Steps * run.BatchTokens:N0} in all; {evaluation.Sum(static batch => batch.Documents.Count):N0} tokens held out for evaluation."));
    }

    private TrainingResult Run(IProgress<TrainingProgress>? progress, Action<string>? note, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var first = step;
        while (step < run.Steps)
        {
            var metrics = TrainStep();
            if (step % run.EvaluateEvery == 0 || step == run.Steps)
            {
                Evaluate(metrics);
            }

            log.Log(step, metrics);
            var left = Stopwatch.GetElapsedTime(started) / (step - first) * (run.Steps - step);
            progress?.Report(new TrainingProgress(step, run.Steps, metrics["loss"], metrics["tokens_per_second"], left, metrics));
            if (step % run.SaveEvery == 0 || step == run.Steps || cancellationToken.IsCancellationRequested)
            {
                Save();
            }

            if (step < run.Steps)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        if (first >= run.Steps)
        {
            Evaluate([]);
        }

        if (batches.TooLong + batches.WithoutLoss > 0)
        {
            note?.Invoke(Invariant($"Left out: {batches.TooLong:N0} conversations longer than a sequence, {batches.WithoutLoss:N0} without a turn of the assistant."));
        }

        return new TrainingResult(step, tokens, meanLoss, evaluationLoss, checkpointFolder, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>One optimiser step over all its micro batches. The gradient is that of the mean over all tokens of the step that count.</summary>
    private Dictionary<string, double> TrainStep()
    {
        var started = Stopwatch.GetTimestamp();
        var length = run.LengthAt(step);
        var parts = Enumerable.Range(0, run.MicroBatches).Select(_ => batches.Next(run.BatchTokens / run.MicroBatches, length)).ToList();
        var counted = Math.Max(1, parts.Sum(static part => part.LossTokens));
        var meter = new StepMeter(module);
        optimizer.ZeroGrad();
        foreach (var part in parts)
        {
            using var scope = NewDisposeScope();
            var output = module.Forward(part.Documents);
            var crossEntropy = Losses.CrossEntropy(module.TokenLogprobs(output.Hidden, part.Targets), part.Targets);
            var aux = module.AuxLoss(output);
            meter.Add(part, (double)part.LossTokens / counted, crossEntropy.item<float>(), aux.item<float>() / parts.Count, output);
            Refuse(meter.Loss, "loss", part);
            var loss = (crossEntropy * ((double)part.LossTokens / counted)) + (aux * (AuxCoefficient / parts.Count));
            loss.backward();
        }

        var norm = optimizer.GradientNorm();
        Refuse(norm, "gradient", parts[0]);
        var learningRate = run.Schedule.At(step);
        optimizer.Step(learningRate);
        step++;
        tokens += meter.Tokens;
        meanLoss = double.IsNaN(meanLoss) ? meter.Loss : (LossMemory * meanLoss) + ((1 - LossMemory) * meter.Loss);
        return meter.Metrics(optimizer, learningRate, length, tokens, Stopwatch.GetElapsedTime(started));
    }

    private double AuxCoefficient => run.AuxLossCoefficient ?? module.Config.RouterAuxLossCoef;

    /// <summary>Mean loss of all tokens of the evaluation that count.</summary>
    private void Evaluate(Dictionary<string, double> metrics)
    {
        if (evaluation.Count == 0)
        {
            return;
        }

        using var noGradients = no_grad();
        var sum = 0.0;
        foreach (var batch in evaluation)
        {
            using var scope = NewDisposeScope();
            var logprobs = module.TokenLogprobs(module.Forward(batch.Documents).Hidden, batch.Targets);
            sum -= logprobs.sum().item<float>();
        }

        evaluationLoss = sum / evaluation.Sum(static batch => batch.LossTokens);
        metrics["eval/loss"] = evaluationLoss.Value;
    }

    private void Save()
    {
        var state = new JsonObject { ["cursor"] = batches.Cursor, ["tokens"] = tokens, ["mean_loss"] = meanLoss };
        checkpointFolder = TrainingCheckpoint.Save(folder.Path, step, module, optimizer, state, start.Files, run.KeepCheckpoints);
    }

    /// <summary>Stops the run when a value is not finite, with the batch in a file. The weights are those of the step before.</summary>
    private void Refuse(double value, string name, TrainingBatch batch)
    {
        if (double.IsFinite(value))
        {
            return;
        }

        var json = new JsonObject
        {
            ["step"] = step + 1,
            [name] = Invariant($"{value}"),
            ["ids"] = new JsonArray([.. batch.Documents.Ids.Select(static id => JsonValue.Create(id))]),
            ["boundaries"] = new JsonArray([.. batch.Documents.Boundaries.Select(static id => JsonValue.Create(id))]),
            ["targets"] = new JsonArray([.. batch.Targets.Select(static id => JsonValue.Create(id))]),
        };
        var path = folder.WriteText(Invariant($"nonfinite-step-{step + 1:D8}.json"), json.ToJsonString() + "\n");
        throw new NonFiniteLossException(
            $"Step {step + 1}: the {name} is {value}. The weights were not changed; the batch is in {path}. "
            + (checkpointFolder.Length > 0 ? $"The last checkpoint is {checkpointFolder}. " : "") + "Lower the learning rate, or look at the batch.");
    }

    private List<DataSource> Sources(IEnumerable<DataSource> sources) =>
        [.. sources.Select(source => source with { Files = [.. source.Files.Select(file => Path.Combine(folder.Path, file))] })];

    private List<TrainingBatch> EvaluationBatches()
    {
        if (run.EvaluationFiles.Count == 0 && run.HeldOutShare == 0)
        {
            return [];
        }

        var own = run.EvaluationFiles.Count > 0;
        var sources = Sources(own ? [new DataSource("evaluation", run.EvaluationFiles)] : run.Data);
        var found = PackedBatches.ForEvaluation(sources, reader, heldOutOnly: !own, run.EvaluationTokens, run.BatchTokens / run.MicroBatches, run.Stages[^1].Length);
        return found.Count > 0 ? found : throw new InvalidInputException(
            $"The evaluation has no text: {(own ? string.Join(", ", run.EvaluationFiles) : Invariant($"held_out_share {run.HeldOutShare} of the data"))}. Give other files, or a larger share.");
    }
}
