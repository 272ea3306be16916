using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>
/// The stages of m1-nano, the reasoning model of 3.3 M weights that ships with the repository: 8 layers, in turn with lightning and with softmax
/// attention, 8 experts of which 2 work on a token. In f32 it has 13 MB, and the engine runs it as it is.
/// </summary>
internal static class M1NanoRecipes
{
    /// <summary>Name of the three stages up to the short thinking budget.</summary>
    public const string Name = "m1-nano";

    /// <summary>Name of the stage whose output window is extended.</summary>
    public const string LongName = "m1-nano-long";

    private const int SoftmaxEvery = 2;

    /// <summary>Learns the words, numbers and derivations: 10 M tokens.</summary>
    public static PretrainRun Pretrain() => new()
    {
        Recipe = Name,
        Config = Shape(),
        VocabularySize = 1024,
        Data = [new DataSource("texts", [M1NanoData.TextFile])],
        HeldOutShare = 0.01,
        Steps = 2500,
        BatchTokens = 4096,
        Stages = [new(512)],
        LearningRate = 2e-3,
        EvaluateEvery = 300,
        SaveEvery = 100,
    };

    /// <summary>Learns to think, to answer and to look back: 15 M tokens.</summary>
    public static SftRun Sft() => new()
    {
        Recipe = Name,
        Data = [new DataSource("conversations", [M1NanoData.ConversationFile])],
        HeldOutShare = 0.01,
        Steps = 3600,
        BatchTokens = 4096,
        Stages = [new(768)],
        LearningRate = 2.5e-3,
        EvaluateEvery = 300,
        SaveEvery = 100,
    };

    /// <summary>Learns from verifiers, with an output window that grows.</summary>
    public static RlRun Rl() => new()
    {
        Recipe = Name,
        Tasks = Mixture(beyond: 0),
        Steps = 150,
        PromptsPerStep = 32,
        GroupSize = 16,
        UpdatesPerStep = 4,
        Windows = [256, 384],
        OverlongCache = 32,
        FormatWeight = 0.1,
        Loss = "cispo",
        IsWeightMax = 5,
        DynamicSampling = true,
        MaxSamplingRounds = 3,
        LearningRate = 2e-4,
        WarmupUpdates = 10,
        EvaluateEvery = 25,
        EvaluationPrompts = 200,
        EvaluationSamples = 4,
        SaveEvery = 10,
        MaxRunning = 256,
    };

    /// <summary>Goes on with problems one level harder, and a window that grows to twice the length.</summary>
    public static RlRun Long() => Rl() with
    {
        Recipe = LongName,
        Tasks = Mixture(beyond: 1),
        Steps = 60,
        Windows = [384, 512, 768],
        LearningRate = 1e-4,
        EvaluateEvery = 20,
    };

    private static MiniMaxM1Config Shape() => PretrainRecipes.Shape(hidden: 128, layers: 8, experts: 8, intermediate: 96) with
    {
        AttnTypeList = [.. Enumerable.Range(1, 8).Select(static layer => layer % SoftmaxEvery == 0 ? AttentionKind.Softmax : AttentionKind.Lightning)],
    };

    /// <summary>The hardest two levels of each task in both languages.</summary>
    /// <param name="beyond">Levels above those of fine-tuning.</param>
    private static RlTask[] Mixture(int beyond) =>
    [
        .. from task in M1NanoData.Tasks
           from language in new[] { TaskLanguage.English, TaskLanguage.Chinese }
           from below in new[] { 0, 1 }
           select new RlTask(task.Name, task.MaxLevel - below + beyond, task.Weight * (language == TaskLanguage.Chinese ? 0.4 : 0.6), Language: language),
    ];
}
