namespace MiniMaxSharp.Tasks;

/// <summary>One environment of a curriculum.</summary>
/// <param name="Name">Its name, see <see cref="EnvironmentPrompt"/>.</param>
public sealed record CurriculumEntry(string Name)
{
    /// <summary>Share of the prompts against the other weights, from the end of the ramp on.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Level at the start.</summary>
    public int Level { get; init; } = 1;

    /// <summary>Highest level; null is the environment's.</summary>
    public int? MaxLevel { get; init; }

    /// <summary>First step whose prompts may come from it: general tasks come later than those with rules.</summary>
    public long From { get; init; }

    /// <summary>Steps over which the weight then grows to its value.</summary>
    public long Ramp { get; init; }

    /// <summary>Language of the prompts; null draws one of the environment's.</summary>
    public TaskLanguage? Language { get; init; }

    /// <summary>The weight at a step.</summary>
    internal double WeightAt(long step) => step < From ? 0 : Ramp == 0 ? Weight : Weight * Math.Min(1, (step - From + 1) / (double)Ramp);
}

/// <summary>The rules of a curriculum.</summary>
public sealed record CurriculumOptions
{
    /// <summary>Seed of the choices.</summary>
    public ulong Seed { get; init; }

    /// <summary>Which part of the problems is asked.</summary>
    public TaskSplit Split { get; init; } = TaskSplit.Rl;

    /// <summary>Mean accuracy over the window at which the level rises.</summary>
    public double RaiseAt { get; init; } = 0.8;

    /// <summary>Groups of the current level that the mean is taken over.</summary>
    public int Window { get; init; } = 16;

    /// <summary>Prompts whose answers were all right are not asked again.</summary>
    public bool DropsMastered { get; init; } = true;
}
