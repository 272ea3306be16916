using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>How many times as many steps one arm of a study takes to the target as another, over pairs of runs with the same seed.</summary>
/// <param name="Ratio">e to the mean of ln(steps of the baseline / steps of the arm); above 1 the arm is faster. Low and High are Student's 95 % interval of that mean.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Pairs">Pairs of which at least one run reached the target.</param>
/// <param name="CensoredBaseline">Pairs in which the baseline did not reach the target: the ratio is too small there.</param>
/// <param name="CensoredArm">Pairs in which the arm did not reach the target: the ratio is too large there.</param>
/// <param name="CensoredBoth">Pairs in which neither did. They say nothing about the ratio and are in none of the other numbers.</param>
public sealed record ArmComparison(double Ratio, double Low, double High, int Pairs, int CensoredBaseline, int CensoredArm, int CensoredBoth)
{
    /// <summary>Compares two arms. A run that did not reach the target counts with the steps that it ran; unfinished runs are left out with their pair.</summary>
    /// <returns>Null without a pair; NaN for the ratio when no run reached the target.</returns>
    public static ArmComparison? Of(IEnumerable<RunOutcome> baseline, IEnumerable<RunOutcome> arm)
    {
        var others = arm.Where(static run => !run.IsUnfinished).ToDictionary(static run => run.Seed);
        var pairs = baseline.Where(run => !run.IsUnfinished && others.ContainsKey(run.Seed)).Select(run => (Base: run, Arm: others[run.Seed])).ToArray();
        if (pairs.Length == 0)
        {
            return null;
        }

        var reached = pairs.Where(static pair => pair.Base.ReachedAt is not null || pair.Arm.ReachedAt is not null).ToArray();
        var logs = MeanInterval.Of([.. reached.Select(static pair => Math.Log(Math.Max(1, pair.Base.StepsOrLimit) / (double)Math.Max(1, pair.Arm.StepsOrLimit)))]);
        return new ArmComparison(
            Math.Exp(logs.Mean),
            Math.Exp(logs.Low),
            Math.Exp(logs.High),
            reached.Length,
            reached.Count(static pair => pair.Base.ReachedAt is null),
            reached.Count(static pair => pair.Arm.ReachedAt is null),
            pairs.Length - reached.Length);
    }
}
