using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>A recipe that can be asked for by name.</summary>
/// <param name="Run">The run; <see cref="TrainingRun.Recipe"/> is the name.</param>
/// <param name="Description">What it is for, in one sentence.</param>
/// <param name="WriteData">Writes generated data into the folder of the run; null when the recipe needs data from outside.</param>
internal sealed record TrainingRecipe<TRun>(TRun Run, string Description, Action<string>? WriteData = null)
    where TRun : TrainingRun
{
    /// <summary>The recipe of a name.</summary>
    /// <exception cref="InvalidInputException">There is none; the message lists them.</exception>
    public static TrainingRecipe<TRun> Find(IReadOnlyList<TrainingRecipe<TRun>> all, string name) =>
        all.FirstOrDefault(recipe => recipe.Run.Recipe == name)
        ?? throw new InvalidInputException($"There is no recipe \"{name}\". The recipes are: {string.Join(", ", all.Select(static recipe => recipe.Run.Recipe))}.");
}
