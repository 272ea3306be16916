using System.Text;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// Writes a short chain of thought, a step a line. Now and then a step slips and is corrected at once, or the result is checked by another way,
/// so that a model learns to look back. What the chain ends with is always right.
/// </summary>
internal sealed class Derivation(TaskRandom random, TaskLanguage language)
{
    private const int StepsPerSlip = 48;
    private readonly StringBuilder text = new();
    private bool hasSlipped;

    /// <summary>Whether this derivation checks its result; one in three does.</summary>
    public bool Checks { get; } = random.OneIn(3);

    /// <summary>A line in the language of the prompt.</summary>
    public Derivation Say(string english, string chinese)
    {
        text.Append(text.Length > 0 ? "\n" : "").Append(language == TaskLanguage.Chinese ? chinese : english);
        return this;
    }

    /// <summary>A line of signs that is the same in all languages.</summary>
    public Derivation Say(string line) => Say(line, line);

    /// <summary>A line <c>left = value</c>; once in a while it is first written wrongly, noticed, and corrected.</summary>
    /// <param name="left">What is worked out.</param>
    /// <param name="value">Its value.</param>
    /// <param name="after">What follows on the line.</param>
    /// <param name="joined">Writes the equals sign without spaces, as in the columns of a written method.</param>
    public Derivation Compute(string left, long value, string after = "", bool joined = false)
    {
        left += joined ? "=" : " = ";
        if (!hasSlipped && random.OneIn(StepsPerSlip))
        {
            hasSlipped = true;
            var wrong = value + random.Pick<long>([-10, -2, -1, 1, 2, 10]);
            return Say(
                $"{left}{wrong}. Wait, that is not right. {left}{value}{after}",
                $"{left}{wrong}。等等，这不对。{left}{value}{after}");
        }

        return Say($"{left}{value}{after}");
    }

    /// <summary>A first guess at a value within bounds: mostly the value itself, else one beside it.</summary>
    public long Near(long value, long least, long most) => Math.Clamp(value + random.Pick<long>([0, 0, 0, 0, 0, 0, -1, 1]), least, most);

    /// <summary>Ends the chain with a check where this derivation checks.</summary>
    public Derivation Check(string english, string chinese) => Checks ? Say($"Check: {english}", $"检查：{chinese}") : this;

    public override string ToString() => text.ToString();
}
