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
        .. Study("fork", new RlTask("sum-of-three", 2), 160, StartModels.Fork),
        .. Study("plain", new RlTask("bracket-completion", 3), 192, StartModels.Plain),
        new(M1NanoRecipes.Rl(), "Stage of m1-nano after fine-tuning (--model): CISPO on all of its tasks, in English and Chinese."),
        new(M1NanoRecipes.Long(), "Last stage of m1-nano (--model): problems one level harder, and a longer output window."),
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
        GoalGain = 30,
    };

    /// <summary>The arms of the controlled study (docs/studies/cispo.md) on one task.</summary>
    private static IEnumerable<RlRecipe> Study(string name, RlTask task, int window, StartModel start)
    {
        var cispo = new RlRun
        {
            Recipe = $"study-{name}-cispo",
            Tasks = [task],
            Steps = 40,
            PromptsPerStep = 32,
            GroupSize = 16,
            UpdatesPerStep = 16,
            Windows = [window],
            OverlongCache = 16,
            Loss = "cispo",
            IsWeightMax = 5,
            DynamicSampling = true,
            LearningRate = 1e-4,
            EvaluateEvery = 1,
            EvaluationPrompts = 200,
            EvaluationSamples = 1,
            SaveEvery = 20,
            KeepCheckpoints = 1,
        };
        var dapo = cispo with { Recipe = $"study-{name}-dapo", Loss = "dapo", IsWeightMax = null };
        var grpo = dapo with { Recipe = $"study-{name}-grpo", Loss = "grpo", DynamicSampling = false, OverlongCache = 0, FilterFlatGroups = false };
        return
        [
            new RlRecipe(cispo, $"The study's CISPO arm on the task \"{name}\".", start),
            new RlRecipe(dapo, $"The study's DAPO arm on the task \"{name}\".", start),
            new RlRecipe(grpo, $"The study's GRPO arm on the task \"{name}\".", start),
        ];
    }

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists them.</exception>
    public static RlRecipe Find(string name) => All.FirstOrDefault(recipe => recipe.Run.Recipe == name)
        ?? throw new InvalidInputException($"There is no recipe \"{name}\". The recipes are: {string.Join(", ", All.Select(static recipe => recipe.Run.Recipe))}.");
}
