using System.Text;

namespace MiniMaxSharp.Tasks;

/// <summary>Sequences of brackets.</summary>
internal static class DyckWord
{
    private const string Opening = "([<{"; // Braces last: in \boxed{} they need a backslash.
    private const string ClosingSigns = ")]>}";

    /// <summary>A balanced sequence of some pairs.</summary>
    public static string Random(TaskRandom random, int pairs, int kinds)
    {
        var word = new StringBuilder();
        var open = new Stack<int>();
        for (var left = pairs; left > 0 || open.Count > 0;)
        {
            if (open.Count == 0 || (left > 0 && random.Below(5) < 3))
            {
                open.Push(random.Below(kinds));
                word.Append(Opening[open.Peek()]);
                left--;
            }
            else
            {
                word.Append(ClosingSigns[open.Pop()]);
            }
        }

        return word.ToString();
    }

    /// <summary>The brackets that are open after a sequence, outermost first; null where one is closed wrongly.</summary>
    public static string? Open(string sequence)
    {
        var open = new StringBuilder();
        foreach (var sign in sequence)
        {
            if (Opening.Contains(sign, StringComparison.Ordinal))
            {
                open.Append(sign);
            }
            else if (open.Length > 0 && Opening.IndexOf(open[^1], StringComparison.Ordinal) == ClosingSigns.IndexOf(sign, StringComparison.Ordinal))
            {
                open.Length--;
            }
            else
            {
                return null;
            }
        }

        return open.ToString();
    }

    /// <summary>What closes a sequence that is right so far.</summary>
    public static string Closing(string sequence) =>
        string.Concat(Open(sequence)!.Reverse().Select(sign => ClosingSigns[Opening.IndexOf(sign, StringComparison.Ordinal)]));
}
