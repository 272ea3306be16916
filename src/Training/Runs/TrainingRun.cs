using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>A part of a run with one longest sequence.</summary>
/// <param name="Length">Longest sequence, in tokens.</param>
/// <param name="Share">Share of the run's tokens, relative to the other stages.</param>
public sealed record ContextStage(int Length, double Share = 1);

/// <summary>The recipe that pretraining and fine-tuning share. All of it goes into <c>run.json</c> and into each checkpoint.</summary>
public abstract record TrainingRun
{
    /// <summary>Name of the recipe.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Folder of the model to start from; null starts from nothing.</summary>
    public string? Model { get; init; }

    /// <summary>What is trained on. Files that are not rooted lie in the folder of the run.</summary>
    public IReadOnlyList<DataSource> Data { get; init; } = [];

    /// <summary>Of the order of the records and of new weights.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Optimiser steps of the whole run.</summary>
    public int Steps { get; init; }

    /// <summary>Tokens of one step.</summary>
    public int BatchTokens { get; init; } = 4096;

    /// <summary>Passes that a step is made of. The load-balancing loss is that of one pass, so few large passes balance better (report 2.1).</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>Longest sequences, in order: too fast a growth explodes gradients (report 2.1).</summary>
    public IReadOnlyList<ContextStage> Stages { get; init; } = [new(256)];

    /// <summary>Learning rate at its peak.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Learning rate at the end, as a share of the peak; the report's is 8e-6 of 8e-5.</summary>
    public double FinalLearningRateShare { get; init; } = 0.1;

    /// <summary>Share of the steps that warm up.</summary>
    public double WarmupShare { get; init; } = 0.02;

    /// <summary>Share of the steps after the warm-up with the peak rate; a third in the report.</summary>
    public double ConstantShare { get; init; } = 1.0 / 3;

    /// <summary>Shape of the decay.</summary>
    public DecayShape Decay { get; init; } = DecayShape.Cosine;

    /// <summary>AdamW and the largest gradient norm.</summary>
    public AdamWOptions Optimizer { get; init; } = new();

    /// <summary>Weight of the load-balancing loss; null is that of the model.</summary>
    public double? AuxLossCoefficient { get; init; }

    /// <summary>Files to evaluate on; none holds out <see cref="HeldOutShare"/> of the data.</summary>
    public IReadOnlyList<string> EvaluationFiles { get; init; } = [];

    /// <summary>Share of the records that is evaluated on and never trained on.</summary>
    public double HeldOutShare { get; init; }

    /// <summary>Most tokens of an evaluation.</summary>
    public int EvaluationTokens { get; init; } = 16_384;

    /// <summary>Steps between evaluations; the last step has one too.</summary>
    public int EvaluateEvery { get; init; } = 100;

    /// <summary>Steps between checkpoints; the last step has one too.</summary>
    public int SaveEvery { get; init; } = 100;

    /// <summary>Checkpoints that are kept.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Loss of the last evaluation (or, without evaluation, of training) that the run must reach; null asks for none.</summary>
    public double? GoalLoss { get; init; }

    /// <summary>Threads; 0 is one per CPU.</summary>
    public int Threads { get; init; }

    /// <summary>True: resuming gives the same weights bit for bit, for which the number of threads is fixed.</summary>
    public bool Deterministic { get; init; }

    /// <summary>Weights are used as rounded to bfloat16 and saved so.</summary>
    public bool Bf16Weights { get; init; }

    /// <summary>Layers are computed again in the backward pass, to save memory.</summary>
    public bool CheckpointLayers { get; init; }

    /// <summary>Low-rank adapters that are trained instead of the weights of <see cref="Model"/>; null trains all weights.</summary>
    public LoraOptions? Lora { get; init; }

    /// <summary>What the records are.</summary>
    internal abstract DocumentKind Kind { get; }

    /// <summary>The learning rates.</summary>
    internal LearningRateSchedule Schedule
    {
        get
        {
            var warmup = (int)Math.Ceiling(Steps * WarmupShare);
            var constant = (int)((Steps - warmup) * ConstantShare);
            return new LearningRateSchedule(LearningRate, LearningRate * FinalLearningRateShare, warmup, constant, Steps - warmup - constant, Decay);
        }
    }

    /// <summary>How the module is to compute.</summary>
    internal ModuleOptions ModuleOptions => new() { Threads = Threads, Bf16Weights = Bf16Weights, CheckpointLayers = CheckpointLayers };

    /// <summary>The longest sequence of step <paramref name="step"/>, counted from 0.</summary>
    public int LengthAt(int step)
    {
        var place = (step + 0.5) / Steps * Stages.Sum(static stage => stage.Share);
        foreach (var stage in Stages)
        {
            if ((place -= stage.Share) < 0)
            {
                return stage.Length;
            }
        }

        return Stages[^1].Length;
    }

    /// <summary>Refuses a recipe that makes no sense.</summary>
    /// <exception cref="InvalidInputException">Says which value, and what it must be.</exception>
    public virtual void Validate()
    {
        Require(Data.Count > 0, "data", "empty", "one source or more (--data FILE)");
        Require(Steps > 0, "steps", Steps, "above 0");
        Require(MicroBatches > 0 && BatchTokens >= 2 * MicroBatches, "batch_tokens", BatchTokens, "at least 2 for each of the micro_batches");
        Require(Stages.Count > 0 && Stages.All(static stage => stage.Length >= 2 && stage.Share > 0), "stages", string.Join(", ", Stages), "lengths of 2 or more with shares above 0");
        Require(Shares(WarmupShare) && Shares(ConstantShare) && Shares(FinalLearningRateShare), "warmup_share, constant_share or final_learning_rate_share", "not in range", "0 to 1");
        Require(HeldOutShare is >= 0 and <= 0.5, "held_out_share", HeldOutShare, "0 to 0.5");
        Require(EvaluateEvery > 0 && SaveEvery > 0 && KeepCheckpoints > 0, "evaluate_every, save_every or keep_checkpoints", "below 1", "at least 1");
        Require(Threads >= 0, "threads", Threads, "0 or more");
        Require(Lora is null || Model is not null, "lora", "without a model", "used with a model to start from (--model DIR)");
        Lora?.Validate();
        Schedule.Validate();
    }

    private protected static void Require(bool holds, string name, object value, string wanted)
    {
        if (!holds)
        {
            throw new InvalidInputException($"The recipe's {name} is {FormattableString.Invariant($"{value}")}; it must be {wanted}.");
        }
    }

    private static bool Shares(double value) => value is >= 0 and <= 1;
}

/// <summary>Pretraining on plain texts: a new model, or an existing one (continual pretraining).</summary>
public sealed record PretrainRun : TrainingRun
{
    /// <summary>Shape of a new model; its vocabulary becomes that of the tokenizer.</summary>
    public MiniMaxM1Config? Config { get; init; }

    /// <summary>Ids of a tokenizer that is learnt from the data, for a new model.</summary>
    public int VocabularySize { get; init; } = 512;

    /// <summary>Folder with the tokenizer of a new model; null learns one from the data.</summary>
    public string? Tokenizer { get; init; }

    /// <inheritdoc/>
    internal override DocumentKind Kind => DocumentKind.Text;

    /// <inheritdoc/>
    public override void Validate()
    {
        Require(Model is null != Config is null, "model and config", "both given or both missing", "one of the two: the folder to start from, or the shape of a new model");
        base.Validate();
    }
}

/// <summary>Supervised fine-tuning on the answers of <c>messages</c>.</summary>
public sealed record SftRun : TrainingRun
{
    /// <inheritdoc/>
    internal override DocumentKind Kind => DocumentKind.Chat;

    /// <inheritdoc/>
    public override void Validate()
    {
        Require(Model is not null, "model", "missing", "the folder of the model to tune (--model DIR)");
        base.Validate();
    }
}
