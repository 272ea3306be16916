namespace MiniMaxSharp.Kernels;

/// <summary>The new tokens of one sequence in a step; their keys and values already stand in the pages.</summary>
public readonly unsafe struct AttentionSlice
{
    /// <summary>Rows [row, row + tokens) of the activations are the last <paramref name="tokens"/> positions of <paramref name="pages"/>.</summary>
    public AttentionSlice(KeyValuePages pages, int row, int tokens)
    {
        Table = pages.Table;
        Row = row;
        Tokens = tokens;
        Position = pages.Length - tokens;
    }

    internal nint* Table { get; }

    internal int Row { get; }

    internal int Tokens { get; }

    internal int Position { get; }
}
