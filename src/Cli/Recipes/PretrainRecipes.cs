using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>Recipes of <c>minimax train pretrain</c>.</summary>
internal static class PretrainRecipes
{
    private const string GeneratedFile = "data/number-lines.jsonl";

    /// <summary>All by name.</summary>
    public static IReadOnlyList<TrainingRecipe<PretrainRun>> All { get; } =
    [
        new(NanoSmoke(), "From nothing to a model that counts, in under a minute on two cores; its data is generated.", WriteNumberLines),
        new(Small(), "A new model of 3 M weights with 8 experts, for texts of your own (--data)."),
        new(Continual(), "Goes on with a model (--model, --data): the report's schedule in small, with a context that grows in four stages."),
        new(M1NanoRecipes.Pretrain(), "First stage of the model that ships with the repository; its data is generated.", M1NanoData.WriteTexts),
    ];

    /// <summary>A tiny model learns to count up and down in steps.</summary>
    public static PretrainRun NanoSmoke() => new()
    {
        Recipe = "nano-smoke",
        Config = Shape(hidden: 64, layers: 4, experts: 4, intermediate: 64),
        VocabularySize = 300,
        Data = [new DataSource("number lines", [GeneratedFile])],
        HeldOutShare = 0.02,
        EvaluationTokens = 8_192,
        Steps = 800,
        BatchTokens = 2048,
        Stages = [new(128), new(256)],
        LearningRate = 3e-3,
        EvaluateEvery = 100,
        SaveEvery = 100,
        GoalLoss = 0.25,
    };

    /// <summary>A small new model.</summary>
    public static PretrainRun Small() => new()
    {
        Recipe = "small",
        Config = Shape(hidden: 128, layers: 8, experts: 8, intermediate: 96) with { TorchDtype = DType.BF16 },
        VocabularySize = 2048,
        HeldOutShare = 0.01,
        Steps = 2000,
        BatchTokens = 8192,
        Stages = [new(256), new(512), new(1024, 0.5)],
        LearningRate = 2e-3,
    };

    /// <summary>Continual pretraining with the proportions of report 2.1.</summary>
    public static PretrainRun Continual() => new()
    {
        Recipe = "continual",
        HeldOutShare = 0.01,
        Steps = 1000,
        BatchTokens = 32_768,
        Stages = [new(2048), new(4096), new(8192), new(16_384)],
        LearningRate = 8e-5,
        FinalLearningRateShare = 0.1,
        ConstantShare = 1.0 / 3,
        CheckpointLayers = true,
        Bf16Weights = true,
    };

    /// <summary>The pattern of M1 in small: lightning layers, the last of every eight (or of all, when fewer) with softmax attention.</summary>
    public static MiniMaxM1Config Shape(int hidden, int layers, int experts, int intermediate) => new()
    {
        HiddenSize = hidden,
        IntermediateSize = intermediate,
        NumHiddenLayers = layers,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = hidden / 4,
        RotaryDim = hidden / 8,
        NumLocalExperts = experts,
        NumExpertsPerTok = 2,
        VocabSize = 256,
        AttnTypeList = [.. Enumerable.Range(1, layers).Select(layer => layer % Math.Min(8, layers) == 0 ? AttentionKind.Softmax : AttentionKind.Lightning)],
        Postnorm = true,
        LayernormLinearAttentionAlpha = 2,
        LayernormFullAttentionAlpha = 2,
        LayernormMlpAlpha = 2,
        RopeTheta = 1e4,
        RouterAuxLossCoef = 0.01f,
        TorchDtype = DType.F32,
    };

    private static void WriteNumberLines(string folder) => GeneratedText.Write(Path.Combine(folder, GeneratedFile), 20_000, seed: 1, GeneratedText.NumberLine);
}
