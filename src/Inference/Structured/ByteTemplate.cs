using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>How a character is written.</summary>
internal enum ByteForm
{
    /// <summary>As its UTF-8 bytes.</summary>
    Utf8,

    /// <summary>Inside a JSON string: UTF-8, and the usual escape where JSON needs one (<c>\n</c>, <c>\"</c>, <c>\u0001</c>).</summary>
    JsonString,
}

/// <summary>An edge that takes one byte.</summary>
/// <param name="Lo">Least byte.</param>
/// <param name="Hi">Greatest byte.</param>
/// <param name="Target">State behind it.</param>
internal readonly record struct ByteEdge(byte Lo, byte Hi, int Target);

/// <summary>A small graph of byte edges that takes one character of a set. State 0 is the beginning, state 1 the end.</summary>
internal sealed class ByteTemplate
{
    private readonly List<List<ByteEdge>> edges = [[], []];
    private readonly Dictionary<string, int> suffixes = new(StringComparer.Ordinal);

    private ByteTemplate()
    {
    }

    /// <summary>One character inside a JSON string in any spelling: UTF-8 or an escape, surrogate escapes only in pairs.</summary>
    public static ByteTemplate AnyInJsonString { get; } = MakeAnyInJsonString();

    /// <summary>Edges by state.</summary>
    public IReadOnlyList<IReadOnlyList<ByteEdge>> Edges => edges;

    /// <summary>The graph of a set.</summary>
    public static ByteTemplate Of(CodePointSet set, ByteForm form)
    {
        var template = new ByteTemplate();
        if (form == ByteForm.Utf8)
        {
            template.AddUtf8(set);
            return template;
        }

        var escaped = CodePointSet.Of((0, 0x1F), ('"', '"'), ('\\', '\\'));
        template.AddUtf8(set.Intersect(escaped.Complement()));
        var special = set.Intersect(escaped).Ranges;
        if (special.Count > 0)
        {
            var backslash = template.Step(0, '\\', '\\');
            foreach (var (lo, hi) in special)
            {
                for (var c = lo; c <= hi; c++)
                {
                    template.AddEscape(backslash, (char)c);
                }
            }
        }

        return template;
    }

    private static ByteTemplate MakeAnyInJsonString()
    {
        var template = new ByteTemplate();
        template.AddUtf8(CodePointSet.Of((0x20, '!'), ('#', '['), (']', 0x10FFFF)));
        var backslash = template.Step(0, '\\', '\\');
        foreach (var c in "\"\\/bfnrt")
        {
            template.Add(backslash, c, c, 1);
        }

        var u = template.Step(backslash, 'u', 'u');
        foreach (var (lo, hi) in new[] { ('0', '9'), ('a', 'c'), ('A', 'C'), ('e', 'f'), ('E', 'F') })
        {
            template.AddHexDigits(template.Step(u, lo, hi), 3, 1);
        }

        // D000 to D7FF; then D800 to DBFF with DC00 to DFFF behind it.
        var d = template.Step(u, 'd', 'd');
        template.Add(u, 'D', 'D', d);
        template.AddHexDigits(template.Step(d, '0', '7'), 2, 1);
        var high = template.Step(d, '8', '9');
        template.Add(d, 'a', 'b', high);
        template.Add(d, 'A', 'B', high);
        var second = template.AddState();
        template.AddHexDigits(high, 2, second);
        var low = template.Step(template.Step(second, '\\', '\\'), 'u', 'u');
        var lowD = template.Step(low, 'd', 'd');
        template.Add(low, 'D', 'D', lowD);
        var lowRest = template.Step(lowD, 'c', 'f');
        template.Add(lowD, 'C', 'F', lowRest);
        template.AddHexDigits(lowRest, 2, 1);
        return template;
    }

    private int AddState()
    {
        edges.Add([]);
        return edges.Count - 1;
    }

    private void Add(int from, int lo, int hi, int to) => edges[from].Add(new ByteEdge((byte)lo, (byte)hi, to));

    private int Step(int from, int lo, int hi)
    {
        var to = AddState();
        Add(from, lo, hi, to);
        return to;
    }

    private void AddHexDigits(int from, int count, int to)
    {
        for (; count > 0; count--)
        {
            var next = count == 1 ? to : AddState();
            Add(from, '0', '9', next);
            Add(from, 'a', 'f', next);
            Add(from, 'A', 'F', next);
            from = next;
        }
    }

    private void AddEscape(int backslash, char c)
    {
        var letter = "\"\"\\\\\bb\ff\nn\rr\tt".AsSpan();
        for (var i = 0; i < letter.Length; i += 2)
        {
            if (letter[i] == c)
            {
                Add(backslash, letter[i + 1], letter[i + 1], 1);
            }
        }

        if (c >= ' ')
        {
            return;
        }

        var from = backslash;
        foreach (var digit in "u00" + (c >> 4))
        {
            from = Step(from, digit, digit);
        }

        var last = "0123456789abcdef"[c & 15];
        Add(from, last, last, 1);
        if (char.IsAsciiLetter(last))
        {
            Add(from, char.ToUpperInvariant(last), char.ToUpperInvariant(last), 1);
        }
    }

    private void AddUtf8(CodePointSet set)
    {
        ReadOnlySpan<(int Lo, int Hi, int Lead, int Continuations)> classes = [(0, 0x7F, 0, 0), (0x80, 0x7FF, 0xC0, 1), (0x800, 0xFFFF, 0xE0, 2), (0x10000, 0x10FFFF, 0xF0, 3)];
        foreach (var (lo, hi, lead, continuations) in classes)
        {
            var ranges = set.Ranges.Where(range => range.Hi >= lo && range.Lo <= hi).Select(range => (Math.Max(range.Lo, lo), Math.Min(range.Hi, hi)));
            AddBytes(0, [.. ranges], lead, continuations);
        }
    }

    /// <summary>Adds the edges of <paramref name="from"/> for values whose top bits choose the byte; the rest follows in continuation bytes.</summary>
    private void AddBytes(int from, List<(int Lo, int Hi)> ranges, int firstByte, int continuations)
    {
        var shift = 6 * continuations;
        var first = 0;
        while (first < ranges.Count)
        {
            var top = ranges[first].Lo >> shift;
            var rest = new List<(int Lo, int Hi)>();
            for (var i = first; i < ranges.Count && ranges[i].Lo >> shift == top; i++)
            {
                var end = Math.Min(ranges[i].Hi, ((top + 1) << shift) - 1);
                rest.Add((ranges[i].Lo & ((1 << shift) - 1), end & ((1 << shift) - 1)));
                if (end < ranges[i].Hi)
                {
                    ranges[i] = (end + 1, ranges[i].Hi);
                    break;
                }

                first = i + 1;
            }

            Join(from, (byte)(firstByte + top), Suffix(rest, continuations));
        }
    }

    private int Suffix(List<(int Lo, int Hi)> ranges, int continuations)
    {
        if (continuations == 0)
        {
            return 1;
        }

        var key = new StringBuilder().Append(continuations).AppendJoin(' ', ranges).ToString();
        if (!suffixes.TryGetValue(key, out var state))
        {
            state = AddState();
            suffixes.Add(key, state);
            AddBytes(state, ranges, 0x80, continuations - 1);
        }

        return state;
    }

    private void Join(int from, byte value, int to)
    {
        var list = edges[from];
        if (list.Count > 0 && list[^1] is var last && last.Target == to && last.Hi == value - 1)
        {
            list[^1] = last with { Hi = value };
        }
        else
        {
            list.Add(new ByteEdge(value, value, to));
        }
    }
}
