using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>When a reinforcement run reached a target, and what it took.</summary>
/// <param name="Folder">Folder of the run.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="Limit">Steps that its recipe has.</param>
/// <param name="LastStep">Last step that it ran.</param>
/// <param name="ReachedAt">Step of the first evaluation whose mean with those before it is at the target; null when there is none.</param>
/// <param name="Updates">Optimiser steps up to there, or of the whole run.</param>
/// <param name="Tokens">Drawn tokens up to there or of the whole run, those of dropped groups included.</param>
/// <param name="ClippedShare">Mean share of tokens, over the steps up to there, whose weight is not their ratio.</param>
/// <param name="Final">The last evaluation.</param>
public sealed record RunOutcome(
    string Folder, ulong Seed, long Limit, long LastStep, long? ReachedAt, double Updates, double Tokens, double ClippedShare, double Final)
{
    /// <summary>Evaluations of the moving mean, unless another number is asked for.</summary>
    public const int UsualMean = 3;

    /// <summary>True when it ended before its recipe does and had not reached the target: it says nothing about the target.</summary>
    public bool IsUnfinished => ReachedAt is null && LastStep < Limit;

    /// <summary>Steps to the target; those of the whole run, a lower bound, when it was not reached.</summary>
    public long StepsOrLimit => ReachedAt ?? LastStep;

    /// <summary>Reads a run.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="metric">What is evaluated, such as eval/greedy.</param>
    /// <param name="target">Value of the moving mean that counts as reached.</param>
    /// <param name="meanOf">Evaluations of the moving mean.</param>
    /// <exception cref="InvalidInputException">It is no reinforcement run, or never evaluated the metric.</exception>
    public static RunOutcome Read(string folder, string metric, double target, int meanOf = UsualMean)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(meanOf, 1);
        var metrics = RunMetrics.Read(folder);
        var recipe = RunFolder.ReadRecipe(folder);
        if (recipe?["seed"] is not { } seed || recipe["steps"] is not { } steps)
        {
            throw new InvalidInputException($"{folder} has no recipe with a seed and a number of steps. Give folders of 'minimax train rl'.");
        }

        var evaluations = metrics[metric];
        if (evaluations.Count == 0)
        {
            throw new InvalidInputException($"{folder} never measured {metric}. It has: {string.Join(", ", metrics.Names.Where(static name => name.StartsWith("eval/", StringComparison.Ordinal)))}.");
        }

        long? reached = Enumerable.Range(meanOf - 1, Math.Max(0, evaluations.Count - meanOf + 1))
            .Where(last => evaluations.Skip(last - meanOf + 1).Take(meanOf).Average(static one => one.Value) >= target)
            .Select(last => (long?)evaluations[last].Step).FirstOrDefault();
        var lastStep = metrics["reward"].Count > 0 ? metrics["reward"][^1].Step : evaluations[^1].Step;
        var end = reached ?? lastStep;
        return new RunOutcome(
            folder,
            seed.GetValue<ulong>(),
            steps.GetValue<long>(),
            lastStep,
            reached,
            metrics["updates"].Where(one => one.Step <= end).Sum(static one => one.Value),
            metrics["tokens"].Where(one => one.Step <= end).Select(static one => one.Value).LastOrDefault(),
            metrics["clip_ratio/region_mean"].Where(one => one.Step <= end).Select(static one => one.Value).DefaultIfEmpty(0).Average(),
            evaluations[^1].Value);
    }
}
