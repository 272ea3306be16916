using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>Recipes of <c>minimax train rl</c>.</summary>
internal static class RlRecipes
{
    /// <summary>All by name.</summary>
    public static IReadOnlyList<(RlRun Run, string Description)> All { get; } =
    [
        (NanoArithmeticCispo(), "Additions with CISPO, from a model fine-tuned by nano-addition (--model)."),
        (M1NanoRecipes.Rl(), "Third stage of m1-nano (--model): CISPO on all of its tasks, English and Chinese."),
        (M1NanoRecipes.Long(), "Last stage of m1-nano (--model): harder problems, and a longer output window."),
    ];

    /// <summary>A tiny fine-tuned model learns to add without mistakes.</summary>
    public static RlRun NanoArithmeticCispo() => new()
    {
        Recipe = "nano-arithmetic-cispo",
        Tasks = [new RlTask("addition", 2)],
        Steps = 60,
        PromptsPerStep = 32,
        GroupSize = 16,
        UpdatesPerStep = 4,
        Windows = [160],
        OverlongCache = 32,
        Loss = "cispo",
        IsWeightMax = 5,
        DynamicSampling = true,
        LearningRate = 3e-4,
        EvaluateEvery = 10,
        EvaluationPrompts = 200,
        EvaluationSamples = 4,
        SaveEvery = 20,
        MaxRunning = 256,
    };

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists them.</exception>
    public static RlRun Find(string name) => All.FirstOrDefault(recipe => recipe.Run.Recipe == name).Run
        ?? throw new InvalidInputException($"There is no recipe \"{name}\". The recipes are: {string.Join(", ", All.Select(static recipe => recipe.Run.Recipe))}.");
}
