using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>Recipes of <c>minimax train rl</c>.</summary>
internal static class RlRecipes
{
    /// <summary>All by name.</summary>
    public static IReadOnlyList<RlRecipe> All { get; } =
    [
        new(NanoArithmeticCispo(), "A model that half knows how to add learns it with CISPO; it makes that model first.", StartModels.HalfLearntAddition),
    ];

    /// <summary>A tiny fine-tuned model learns to add without mistakes.</summary>
    public static RlRun NanoArithmeticCispo() => new()
    {
        Recipe = "nano-arithmetic-cispo",
        Tasks = [new RlTask("addition", 3)],
        Steps = 100,
        PromptsPerStep = 32,
        GroupSize = 8,
        UpdatesPerStep = 1,
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
        GoalGain = 30,
    };

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists them.</exception>
    public static RlRecipe Find(string name) => All.FirstOrDefault(recipe => recipe.Run.Recipe == name)
        ?? throw new InvalidInputException($"There is no recipe \"{name}\". The recipes are: {string.Join(", ", All.Select(static recipe => recipe.Run.Recipe))}.");
}
