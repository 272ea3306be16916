namespace MiniMaxSharp.Inference;

/// <summary>
/// The MiniMax-M1 report's rule against loops: a generation whose tokens are all but certain for long enough has got stuck.
/// </summary>
/// <param name="count">Tokens in a row that stop it (the report: 3000); 0 is off.</param>
/// <param name="probability">Probability above which a token counts (the report: 0.99).</param>
public sealed class RepetitionStop(int count, double probability)
{
    private readonly double logProbability = Math.Log(probability);
    private int inARow;

    /// <summary>Takes the log-probability of the next token. True: stop with <see cref="FinishReason.Repetition"/>.</summary>
    public bool Add(double logProb)
    {
        inARow = logProb > logProbability ? inARow + 1 : 0;
        return count > 0 && inARow >= count;
    }
}
