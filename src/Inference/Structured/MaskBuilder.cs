namespace MiniMaxSharp.Inference;

/// <summary>Finds the tokens that can follow a configuration. Not for concurrent calls.</summary>
/// <param name="automaton">The language.</param>
/// <param name="table">Its configurations.</param>
/// <param name="trie">The vocabulary.</param>
internal sealed class MaskBuilder(PushdownAutomaton automaton, ConfigurationTable table, TokenTrie trie)
{
    private readonly int[] path = new int[byte.MaxValue + 2];
    private readonly List<int> found = [];

    /// <summary>The tokens that can follow; looked up after the first time.</summary>
    public TokenMask Of(Configuration configuration)
    {
        if (configuration.Mask is { } known)
        {
            return known;
        }

        found.Clear();
        var plainLength = PlainLength(configuration.Readings);
        Walk(configuration, trie.Rest);

        // Plain tokens are decided for readings in free text; the tree of plain tokens is for the other readings.
        var others = plainLength == 0 ? configuration.Readings : Array.FindAll(configuration.Readings, reading => automaton.States[reading.State].FreeText == 0);
        configuration = table.Find(configuration);
        if (others.Length > 0)
        {
            Walk(table.Intern(others, configuration.CanEnd), trie.Plain);
        }

        configuration = table.Find(configuration);
        var mask = ToMask(plainLength);
        table.Keep(configuration, mask);
        return mask;
    }

    /// <summary>The most plain characters that a reading in free text can take; 0 when there is no such reading.</summary>
    private int PlainLength(Reading[] readings)
    {
        var longest = 0;
        foreach (var reading in readings)
        {
            var max = automaton.States[reading.State].FreeText;

            // The character that begins here is counted already.
            longest = max < 0 ? int.MaxValue : max == 0 ? longest : Math.Max(longest, max - reading.Count + 1);
        }

        return longest;
    }

    private TokenMask ToMask(int plainLength)
    {
        if (plainLength == 0 && found.Count <= trie.MaskLength)
        {
            return new TokenMask([.. found], null);
        }

        var bits = trie.PlainUpTo(plainLength).ToArray();
        foreach (var id in found)
        {
            bits[id >> 5] |= 1u << id;
        }

        return new TokenMask(null, bits);
    }

    private void Walk(Configuration start, TokenTrie.Tree tree)
    {
        var (values, depths, ends, firstIds) = (tree.Values, tree.Depths, tree.Ends, tree.FirstIds);
        path[0] = start.Id;
        for (var node = 0; node < values.Length;)
        {
            var depth = depths[node];
            if (table.IsFull)
            {
                table.Restart(path.AsSpan(0, depth + 1));
            }

            var target = table.Next(path[depth], values[node]);
            if (target == ConfigurationTable.Dead)
            {
                node = ends[node];
                continue;
            }

            path[depth + 1] = target;
            for (var i = firstIds[node]; i < firstIds[node + 1]; i++)
            {
                found.Add(tree.Ids[i]);
            }

            node++;
        }
    }
}
