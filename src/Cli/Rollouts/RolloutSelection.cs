using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>How roll-outs are ordered in a list.</summary>
internal enum RolloutOrder
{
    /// <summary>As they were made; the newest are shown.</summary>
    Newest,

    /// <summary>Highest reward first.</summary>
    Best,

    /// <summary>Lowest reward first.</summary>
    Worst,
}

/// <summary>Which roll-outs of a run are shown.</summary>
/// <param name="Step">Only of this step.</param>
/// <param name="Task">Only of this task.</param>
/// <param name="Order">Which come first.</param>
/// <param name="Limit">Most of them.</param>
internal sealed record RolloutSelection(long? Step, string? Task, RolloutOrder Order, int Limit)
{
    /// <summary>The roll-outs; equal rewards stay in the order in which they were made.</summary>
    public IReadOnlyList<Rollout> From(string runFolder)
    {
        if (Limit < 1)
        {
            throw new InvalidInputException($"--limit {Limit}: give 1 or more.");
        }

        var found = RolloutFile.Read(runFolder).Where(rollout => (Step is null || rollout.Step == Step) && (Task is null || rollout.Task == Task));
        return Order switch
        {
            RolloutOrder.Best => [.. found.OrderByDescending(rollout => rollout.Reward).Take(Limit)],
            RolloutOrder.Worst => [.. found.OrderBy(rollout => rollout.Reward).Take(Limit)],
            _ => [.. found.TakeLast(Limit)],
        };
    }

    /// <summary>The name of a roll-out within its run: step/group/sample.</summary>
    public static string NameOf(Rollout rollout) => $"{rollout.Step}/{rollout.Group}/{rollout.Sample}";

    /// <summary>The roll-out of a name.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static Rollout Find(string runFolder, string name) =>
        RolloutFile.Read(runFolder).FirstOrDefault(rollout => NameOf(rollout) == name)
        ?? throw new InvalidInputException($"{runFolder} has no roll-out {name}. A name is step/group/sample, as the list shows it: minimax train show {runFolder}");
}
