
namespace MiniMaxSharp.Inference;

/// <summary>Text without rules up to a tag, as a graph (the automaton of Knuth, Morris and Pratt).</summary>
internal static class FreeText
{
    /// <summary>Adds valid UTF-8 up to the first occurrence of the tag; returns the state behind it.</summary>
    /// <param name="graph">Where the states go.</param>
    /// <param name="from">Where the text begins.</param>
    /// <param name="tag">The tag, ASCII.</param>
    /// <param name="canEnd">A state that is joined wherever the text may end without the tag; -1 for none.</param>
    public static int AddUntil(PushdownGraph graph, int from, string tag, int canEnd = -1)
    {
        var others = ByteTemplate.Of(CodePointSet.Of((0x80, 0x10FFFF)), ByteForm.Utf8);
        var states = Enumerable.Range(0, tag.Length + 1).Select(i => i == 0 ? from : graph.AddState()).ToArray();
        for (var matched = 0; matched < tag.Length; matched++)
        {
            for (var value = 0; value < 0x80; value++)
            {
                graph.AddByte(states[matched], value, value, states[Follow(tag, matched, (char)value)]);
            }

            graph.AddTemplate(states[matched], others, from);
            if (canEnd >= 0)
            {
                graph.AddEmpty(states[matched], canEnd);
            }
        }

        return states[^1];
    }

    /// <summary>Characters of the tag that the text ends with, when so many were matched and another one comes.</summary>
    private static int Follow(string tag, int matched, char next)
    {
        var text = tag[..matched] + next;
        var length = text.Length;
        while (!text.EndsWith(tag[..length], StringComparison.Ordinal))
        {
            length--;
        }

        return length;
    }
}
