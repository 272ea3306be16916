namespace MiniMaxSharp.Kernels;

/// <summary>The new tokens of one sequence in a step; their keys and values already stand in the pages.</summary>
public readonly unsafe struct AttentionSlice
{
    /// <summary>Rows [row, row + tokens) of the activations are the last <paramref name="tokens"/> positions of <paramref name="pages"/>.</summary>
    public AttentionSlice(KeyValuePages pages, int row, int tokens)
    {
        Table = pages.Table;
        Type = pages.Type;
        Row = row;
        Tokens = tokens;
        Position = pages.Length - tokens;
    }

    internal nint* Table { get; }

    internal KeyValueType Type { get; }

    internal int Row { get; }

    internal int Tokens { get; }

    internal int Position { get; }

    /// <summary>Ranges of keys whose partial results are merged; their bounds depend on the position alone.</summary>
    internal int Ranges => (Position + Tokens + SoftmaxAttention.RangeTokens - 1) / SoftmaxAttention.RangeTokens;

    /// <summary>Work items of one key/value head: ranges of a single token, otherwise tiles of tokens.</summary>
    internal int ItemsPerHead => Tokens == 1 ? Ranges : (Tokens + SoftmaxAttention.TileTokens - 1) / SoftmaxAttention.TileTokens;
}
