namespace MiniMaxSharp.Inference;

/// <summary>
/// Bounds the work of one compilation, so that no schema and no pattern takes longer than a fraction of a second.
/// It counts steps, not time: the same input is accepted or refused on every machine.
/// </summary>
internal sealed class CompileBudget
{
    /// <summary>Elementary steps of one compilation.</summary>
    private const long MaxWork = 12_000_000;

    private long work;

    /// <summary>Counts steps.</summary>
    /// <param name="steps">How many.</param>
    /// <param name="where">Place in the schema, for the message.</param>
    /// <exception cref="InvalidInputException">The budget is used up.</exception>
    public void Spend(long steps, string where)
    {
        work += steps;
        if (work > MaxWork)
        {
            throw new InvalidInputException(
                $"{where}: too large to compile into an automaton. Use smaller counts, fewer alternatives or a simpler pattern.");
        }
    }
}
