using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>Recipes of <c>minimax train sft</c>.</summary>
internal static class SftRecipes
{
    private const string GeneratedFile = "data/additions.jsonl";

    /// <summary>Sums of one digit are few, so most are of two and three.</summary>
    private static readonly int[] levels = [1, 2, 3, 2, 3];

    /// <summary>All by name.</summary>
    public static IReadOnlyList<TrainingRecipe<SftRun>> All { get; } =
    [
        new(NanoAddition(), "The model of nano-smoke (--model) learns the chat format and written addition, digit by digit; its data is generated.", WriteAdditions),
        new(Tune(), "Tunes a model (--model) on conversations of your own (--data)."),
        .. M1NanoRecipes.FineTunings,
    ];

    /// <summary>Sums of numbers of one to three digits; those of three have a derivation.</summary>
    public static SftRun NanoAddition() => new()
    {
        Recipe = "nano-addition",
        Data = [new DataSource("additions", [GeneratedFile])],
        HeldOutShare = 0.02,
        EvaluationTokens = 8_192,
        Steps = 1200,
        BatchTokens = 4096,
        Stages = [new(512)],
        LearningRate = 3e-3,
        EvaluateEvery = 100,
        SaveEvery = 100,
        GoalLoss = 0.06,
    };

    /// <summary>Fine-tuning with the usual values.</summary>
    public static SftRun Tune() => new()
    {
        Recipe = "tune",
        HeldOutShare = 0.02,
        Steps = 500,
        BatchTokens = 16_384,
        Stages = [new(4096)],
        LearningRate = 2e-5,
        ConstantShare = 0,
        CheckpointLayers = true,
        Bf16Weights = true,
    };

    private static void WriteAdditions(string folder) => GeneratedText.Write(Path.Combine(folder, GeneratedFile), 30_000, seed: 1, Addition);

    /// <summary>A demonstration from the part of the problems that fine-tuning may see.</summary>
    private static string Addition(ulong seed)
    {
        for (var attempt = 0UL; ; attempt++)
        {
            var instance = TaskCatalog.Get("addition").Sample(levels[seed % (ulong)levels.Length], seed + (attempt << 32));
            if (instance.Split == TaskSplit.Sft)
            {
                return instance.ToJsonLine(withReasoning: true);
            }
        }
    }
}
