using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>
/// The stages of m1-nano, the reasoning model of 3.2 M weights that ships with the repository: 8 layers, in turn with lightning and with softmax
/// attention, 8 experts of which 2 work on a token. In f32 it has 13 MB, and the engine runs it as it is.
/// </summary>
internal static class M1NanoRecipes
{
    /// <summary>Name of the stages of the model with the short thinking budget.</summary>
    public const string Name = "m1-nano";

    /// <summary>Name of the stage whose output window is extended.</summary>
    public const string LongName = "m1-nano-long";

    private const int SoftmaxEvery = 2;

    /// <summary>The fine-tunings, each from the model of the one before: first the form, then long practice, mostly of what is hard.</summary>
    public static IReadOnlyList<TrainingRecipe<SftRun>> FineTunings { get; } =
    [
        FineTuning(1, 6000, 2.5e-3, "chains of thought, a calculator, small talk; its data is generated", M1NanoData.WriteConversations),
        FineTuning(2, 20_000, 2e-3, "other conversations, several turns, more of the tasks that are hard", M1NanoData.WriteHarderConversations),
    ];

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

    /// <summary>Learns from verifiers, with an output window that grows.</summary>
    public static RlRun Rl() => new()
    {
        Recipe = Name,
        Tasks = Mixture(isBeyond: false),
        Steps = 30,
        PromptsPerStep = 32,
        GroupSize = 16,
        UpdatesPerStep = 2,
        Windows = [640, 1024],
        OverlongCache = 32,
        FormatWeight = 0.1,
        Loss = "cispo",
        IsWeightMax = 5,
        DynamicSampling = true,
        MaxSamplingRounds = 3,
        LearningRate = 1e-4,
        WarmupUpdates = 10,
        EvaluateEvery = 10,
        EvaluationPrompts = 200,
        EvaluationSamples = 1,
        SaveEvery = 10,
    };

    /// <summary>Goes on with problems one level harder where that is within reach, and a window that grows by half.</summary>
    public static RlRun Long() => Rl() with
    {
        Recipe = LongName,
        Tasks = Mixture(isBeyond: true),
        Steps = 25,
        Windows = [1024, 1536],
    };

    private static TrainingRecipe<SftRun> FineTuning(int number, int steps, double rate, string what, Action<string> writeData) => new(
        new SftRun
        {
            Recipe = number == 1 ? Name : $"{Name}-sft-{number}",
            Data = [new DataSource("conversations", [M1NanoData.ConversationFile])],
            HeldOutShare = 0.01,
            Steps = steps,
            BatchTokens = 4096,
            Stages = [new(1024)],
            LearningRate = rate,
            Seed = (ulong)number,
            EvaluateEvery = 300,
            SaveEvery = 100,
        },
        $"Fine-tuning {number} of m1-nano (--model): {what}.",
        writeData);

    private static MiniMaxM1Config Shape() => PretrainRecipes.Shape(hidden: 128, layers: 8, experts: 8, intermediate: 96) with
    {
        AttnTypeList = [.. Enumerable.Range(1, 8).Select(static layer => layer % SoftmaxEvery == 0 ? AttentionKind.Softmax : AttentionKind.Lightning)],
    };

    /// <summary>The hardest two levels of each task in both languages.</summary>
    /// <param name="isBeyond">Above those of fine-tuning, where the model reaches so far.</param>
    private static RlTask[] Mixture(bool isBeyond) =>
    [
        .. from task in M1NanoData.Tasks
           from language in new[] { TaskLanguage.English, TaskLanguage.Chinese }
           from below in new[] { 0, 1 }
           select new RlTask(task.Name, task.MaxLevel - below + (isBeyond ? task.Reach : 0), task.HarderWeight * (language == TaskLanguage.Chinese ? 0.4 : 0.6), Language: language),
    ];
}
