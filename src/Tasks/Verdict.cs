namespace MiniMaxSharp.Tasks;

/// <summary>What a verifier says about one answer.</summary>
/// <param name="Score">0 (wrong) to 1 (right).</param>
/// <param name="Reason">Why, in a few words; for people who read roll-outs.</param>
/// <param name="Answer">The text that was judged; null when the reply has no final answer.</param>
public sealed record Verdict(double Score, string Reason, string? Answer)
{
    /// <summary>The verifier itself failed. This is no wrong answer: leave the roll-out out of its group.</summary>
    public bool IsError { get; init; }

    /// <summary>A right answer.</summary>
    public static Verdict Right(string answer) => new(1, "right", answer);

    /// <summary>A wrong answer, or none.</summary>
    public static Verdict Wrong(string reason, string? answer) => new(0, reason, answer);

    /// <summary>A verifier that failed.</summary>
    public static Verdict Error(string reason, string? answer) => new(0, reason, answer) { IsError = true };
}
