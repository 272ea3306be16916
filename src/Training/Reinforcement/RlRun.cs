using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>A task of the mixture.</summary>
/// <param name="Task">Name of a task or environment, see <see cref="EnvironmentPrompt"/>.</param>
/// <param name="Level">Difficulty.</param>
/// <param name="Weight">Share of the prompts, relative to the other tasks.</param>
/// <param name="FromStep">First step that has it: a curriculum mixes tasks in.</param>
/// <param name="Ramp">Steps over which its weight then grows to its value.</param>
/// <param name="MaxLevel">Level that a curriculum may raise it to; null is the hardest.</param>
/// <param name="Language">Language of its prompts; null is that of the run.</param>
public sealed record RlTask(string Task, int Level, double Weight = 1, int FromStep = 1, int Ramp = 0, int? MaxLevel = null, TaskLanguage? Language = null)
{
    /// <summary>The weight at a step.</summary>
    internal double WeightAt(long step) => step < FromStep ? 0 : Ramp == 0 ? Weight : Weight * Math.Min(1, (step - FromStep + 1) / (double)Ramp);
}

/// <summary>The recipe of a reinforcement run. All of it goes into <c>run.json</c> and into each checkpoint.</summary>
public sealed record RlRun
{
    private static readonly JsonSerializerOptions json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Name of the recipe.</summary>
    public string Recipe { get; init; } = "";

    /// <summary>Folder of the model to start from, usually fine-tuned.</summary>
    public string Model { get; init; } = "";

    /// <summary>The mixture of tasks.</summary>
    public IReadOnlyList<RlTask> Tasks { get; init; } = [];

    /// <summary>Language of the prompts.</summary>
    public TaskLanguage Language { get; init; } = TaskLanguage.English;

    /// <summary>Weight of the format reward; the report does not give it. 0 leaves it out.</summary>
    public double FormatWeight { get; init; }

    /// <summary>Raises levels with success and leaves out what is mastered; null keeps the levels of the tasks. Its seed is the one of the run.</summary>
    public CurriculumOptions? Curriculum { get; init; }

    /// <summary>Prompts whose answers so far are not between its bounds are not asked again; null asks all.</summary>
    public DifficultyFilter? DifficultyFilter { get; init; }

    /// <summary>Most messages of the policy in an episode of several turns.</summary>
    public int MaxTurns { get; init; } = 16;

    /// <summary>Of prompts and draws.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps: generation batches of the whole run.</summary>
    public int Steps { get; init; } = 100;

    /// <summary>Prompts of a step.</summary>
    public int PromptsPerStep { get; init; } = 32;

    /// <summary>Answers of a prompt.</summary>
    public int GroupSize { get; init; } = 16;

    /// <summary>Optimiser steps of a step; the report's is 16.</summary>
    public int UpdatesPerStep { get; init; } = 16;

    /// <summary>Limits of the answers in tokens; several are stages of the output window.</summary>
    public IReadOnlyList<int> Windows { get; init; } = [256];

    /// <summary>One of <see cref="PolicyObjectives.Names"/>.</summary>
    public string Loss { get; init; } = "cispo";

    /// <summary>Largest weight of a token, absolute; CISPO must have it.</summary>
    public float? IsWeightMax { get; init; }

    /// <summary>Absolute lower bound of the mask; null is that of the loss.</summary>
    public float? RatioMin { get; init; }

    /// <summary>Absolute upper bound of the mask; null is that of the loss.</summary>
    public float? RatioMax { get; init; }

    /// <summary>TokenMean, PromptMean, SampleMean, TokenSumConst, Combined or SignBalanced; null is that of the loss.</summary>
    public string? Aggregation { get; init; }

    /// <summary>Share of the token mean in the aggregation Combined.</summary>
    public double CombinedShare { get; init; } = 0.5;

    /// <summary>What advantages are divided by; null is that of the loss.</summary>
    public AdvantageScale? Scale { get; init; }

    /// <summary>What the ratio is taken against.</summary>
    public RatioAnchor Anchor { get; init; }

    /// <summary>Cap of the truncated importance sampling; null is off.</summary>
    public double? TruncatedIsMax { get; init; }

    /// <summary>Groups of equal rewards are replaced by further prompts.</summary>
    public bool DynamicSampling { get; init; }

    /// <summary>Most rounds of sampling of one step; what is missing then makes the batch smaller.</summary>
    public int MaxSamplingRounds { get; init; } = 4;

    /// <summary>Groups of equal rewards are left out of the loss, whose means then do not count them.</summary>
    public bool FilterFlatGroups { get; init; } = true;

    /// <summary>Length of the slope of the overlong penalty; 0 is no penalty.</summary>
    public int OverlongCache { get; init; }

    /// <summary>Answers that the limit cut are left out of the loss.</summary>
    public bool MaskTruncated { get; init; }

    /// <summary>Early truncation after this many all but certain tokens in a row (report: 3000); 0 is off.</summary>
    public int RepetitionStopCount { get; init; }

    /// <summary>Weights that roll-outs are drawn with; Q8_0 is an ablation.</summary>
    public RolloutWeights RolloutWeights { get; init; }

    /// <summary>Head of the roll-outs; bf16 is an ablation.</summary>
    public HeadPrecision RolloutHead { get; init; }

    /// <summary>Head of the trainer; bf16 is an ablation.</summary>
    public HeadPrecision TrainHead { get; init; }

    /// <summary>The trainer takes the experts that the engine chose at the roll-out.</summary>
    public bool RouterReplay { get; init; }

    /// <summary>Batches that roll-outs may be behind training; 0 is synchronous and bitwise reproducible.</summary>
    public int MaxStaleness { get; init; }

    /// <summary>Learning rate.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Optimiser steps of the warm-up.</summary>
    public int WarmupUpdates { get; init; }

    /// <summary>AdamW and the largest gradient norm.</summary>
    public AdamWOptions Optimizer { get; init; } = new() { WeightDecay = 0 };

    /// <summary>Most tokens of a micro-batch.</summary>
    public int MicroBatchTokens { get; init; } = 8192;

    /// <summary>Seconds of one judgement.</summary>
    public double RewardTimeout { get; init; } = 10;

    /// <summary>Steps between evaluations; the start and the last step have one too. 0 is none.</summary>
    public int EvaluateEvery { get; init; } = 20;

    /// <summary>Held-out prompts of an evaluation.</summary>
    public int EvaluationPrompts { get; init; } = 100;

    /// <summary>n: drawn answers of each of them for avg@n and pass@k, beside the greedy one; 0 evaluates the greedy one alone.</summary>
    public int EvaluationSamples { get; init; } = 4;

    /// <summary>Steps between checkpoints; the last step has one too.</summary>
    public int SaveEvery { get; init; } = 20;

    /// <summary>Checkpoints that are kept.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Answers that each thread decodes side by side; 0 lets the engine choose.</summary>
    public int MaxRunning { get; init; }

    /// <summary>Threads; 0 is one per CPU.</summary>
    public int Threads { get; init; }

    /// <summary>Rise of the greedy accuracy, in points of 100, that the run must reach; null asks for none.</summary>
    public double? GoalGain { get; init; }

    /// <summary>Reads what <see cref="ToJson"/> gave.</summary>
    /// <exception cref="InvalidInputException">It is malformed or of another kind of run.</exception>
    public static RlRun Parse(JsonObject recipe, string source)
    {
        try
        {
            return recipe.Deserialize<RlRun>(json)!;
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{source} is not the recipe of a reinforcement run: {exception.Message} Resume with the command that began it.", exception);
        }
    }

    /// <summary>The resolved recipe.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, json)!.AsObject();

    /// <summary>The loss with all that the recipe changes of it.</summary>
    /// <exception cref="InvalidInputException">It would be computed wrongly.</exception>
    public PolicyObjective Objective()
    {
        var known = PolicyObjectives.ByName(Loss, Windows[^1], IsWeightMax);
        var objective = known with
        {
            Bounds = known.Bounds with
            {
                IsWeightMax = IsWeightMax ?? known.Bounds.IsWeightMax,
                RatioMin = RatioMin ?? known.Bounds.RatioMin,
                RatioMax = RatioMax ?? known.Bounds.RatioMax,
            },
            Aggregation = Aggregation is null ? known.Aggregation : LossAggregation.ByName(Aggregation, Windows[^1], CombinedShare),
            Scale = Scale ?? known.Scale,
            Anchor = Anchor,
            TruncatedIsMax = TruncatedIsMax,
        };
        objective.Validate();
        return objective;
    }

    /// <summary>Refuses a recipe that makes no sense.</summary>
    /// <exception cref="InvalidInputException">Says which value, and what it must be.</exception>
    public void Validate()
    {
        Require(Model.Length > 0, "model", "missing", "the folder of the model to start from (--model DIR)");
        Require(Steps > 0 && PromptsPerStep > 0 && UpdatesPerStep > 0 && MicroBatchTokens > 0, "steps, prompts_per_step, updates_per_step or micro_batch_tokens", "below 1", "at least 1");
        Require(GroupSize >= 2, "group_size", GroupSize, "at least 2: advantages compare the answers of a group");
        Require(Windows.Count > 0 && Windows[0] > 0 && Windows.Zip(Windows.Skip(1)).All(static pair => pair.First < pair.Second), "windows", string.Join(", ", Windows), "growing limits above 0");
        Require(MaxSamplingRounds > 0 && KeepCheckpoints > 0 && SaveEvery > 0, "max_sampling_rounds, keep_checkpoints or save_every", "below 1", "at least 1");
        Require(MaxRunning >= 0, "max_running", MaxRunning, "0 or more");
        Require(MaxTurns > 0, "max_turns", MaxTurns, "at least 1");
        Require(MaxStaleness is >= 0 and <= 16, "max_staleness", MaxStaleness, "0 to 16");
        Require(EvaluateEvery >= 0 && EvaluationPrompts > 0 && EvaluationSamples >= 0, "evaluate_every, evaluation_prompts or evaluation_samples", "below its range", "0, 1 and 0 or more");
        Require(RewardTimeout > 0, "reward_timeout", RewardTimeout, "above 0 seconds");
        Require(Tasks.Count > 0 && Tasks.All(static task => task.Weight > 0 && task.Ramp >= 0) && Tasks.Any(static task => task.FromStep <= 1), "tasks", string.Join(", ", Tasks), "tasks with weights above 0, one of them from step 1");
        if (OverlongCache > 0)
        {
            new OverlongPenalty(Windows[0], OverlongCache).Validate();
        }

        if (DifficultyFilter is { } filter)
        {
            Require(filter.K >= 1 && filter.Above < filter.Below, "difficulty_filter", filter, "a k of at least 1 and a lower bound below the upper one");
        }

        Schedule.Validate();
        _ = Objective();
    }

    /// <summary>The learning rate of each optimiser step.</summary>
    internal LearningRateSchedule Schedule => new(LearningRate, LearningRate, WarmupUpdates, 0, 0);

    /// <summary>How the module is to compute.</summary>
    internal ModuleOptions ModuleOptions => new() { Threads = Threads, Bf16Head = TrainHead == HeadPrecision.Bf16 };

    private static void Require(bool holds, string name, object value, string wanted)
    {
        if (!holds)
        {
            throw new InvalidInputException($"The recipe's {name} is {FormattableString.Invariant($"{value}")}; it must be {wanted}.");
        }
    }
}
