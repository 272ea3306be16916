namespace MiniMaxSharp.Inference;

/// <summary>What the matchers of one grammar and one vocabulary share; safe for many threads, one at a time.</summary>
internal sealed class GrammarTables
{
    private readonly Lock gate = new();
    private readonly ConfigurationTable table;
    private readonly MaskBuilder masks;

    /// <summary>Empty tables.</summary>
    public GrammarTables(PushdownAutomaton automaton, TokenTrie trie)
    {
        Trie = trie;
        table = new ConfigurationTable(automaton);
        masks = new MaskBuilder(automaton, table, trie);
    }

    /// <summary>The vocabulary.</summary>
    public TokenTrie Trie { get; }

    /// <summary>Words of a mask.</summary>
    public int MaskLength => Trie.MaskLength;

    /// <summary>The bytes of a token that can be part of a text; else empty.</summary>
    public ReadOnlySpan<byte> Bytes(int id) => (uint)id < (uint)Trie.VocabularySize ? Trie.BytesOf(id) : default;

    /// <summary>The configuration before any text.</summary>
    public Configuration Begin(int state)
    {
        lock (gate)
        {
            return table.Begin(state);
        }
    }

    /// <summary>Sets the bits of the tokens that can follow; returns the configuration as it is known now.</summary>
    public Configuration FillMask(Configuration at, Span<uint> mask)
    {
        lock (gate)
        {
            at = table.Find(at);
            var allowed = masks.Of(at);
            if (allowed.Bits is { } bits)
            {
                bits.CopyTo(mask);
            }
            else
            {
                mask.Clear();
                foreach (var id in allowed.Ids!)
                {
                    mask[id >> 5] |= 1u << id;
                }
            }

            return at;
        }
    }

    /// <summary>Where a text leads; null where none of the language does.</summary>
    public Configuration? Follow(Configuration at, ReadOnlySpan<byte> text)
    {
        lock (gate)
        {
            var id = table.Find(at).Id;
            foreach (var value in text)
            {
                if (table.IsFull)
                {
                    table.Restart(new Span<int>(ref id));
                }

                id = table.Next(id, value);
                if (id == ConfigurationTable.Dead)
                {
                    return null;
                }
            }

            return table[id];
        }
    }

}
