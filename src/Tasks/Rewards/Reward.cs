namespace MiniMaxSharp.Tasks;

/// <summary>
/// One plain function on a finished roll-out. Whatever the policy wrote must give a value; what it throws is a failure of the grader,
/// and <see cref="RewardScoring"/> then marks the roll-out instead of calling it wrong.
/// </summary>
/// <param name="Name">Name of its term in the breakdown.</param>
/// <param name="Value">Gives the value before the weight.</param>
/// <param name="Weight">Factor of the value.</param>
public sealed record Reward(string Name, Func<Rollout, CancellationToken, ValueTask<double>> Value, double Weight = 1)
{
    /// <summary>Name of the term that says whether the answer is right.</summary>
    public const string CorrectName = "correct";

    /// <summary>1 for an answer that the task's verifier accepts, else 0.</summary>
    public static Reward Correct(TaskInstance instance)
    {
        var task = TaskCatalog.Get(instance.Task);
        return new Reward(CorrectName, (rollout, _) =>
        {
            var verdict = task.Verify(instance, rollout.Reply);
            return verdict.IsError ? throw new InvalidOperationException(verdict.Reason) : ValueTask.FromResult(verdict.Score);
        });
    }

    /// <summary>1 for thinking that is closed and followed by exactly one boxed answer, else 0. The report does not give its weight.</summary>
    public static Reward Format(double weight) => new("format", (rollout, _) => ValueTask.FromResult(FinalAnswer.FormatReward(rollout.Reply)), weight);
}
