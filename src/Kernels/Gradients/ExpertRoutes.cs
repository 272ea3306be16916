namespace MiniMaxSharp.Kernels;

/// <summary>
/// Which rows each expert works on: the N·K (token, choice) pairs sorted by expert, tokens ascending within one.
/// A pair is token · K + choice; a row is its place in the sorted order.
/// </summary>
public sealed class ExpertRoutes
{
    /// <summary>Sorts the pairs by counting.</summary>
    /// <param name="experts">Expert of each pair, [N·K].</param>
    /// <param name="expertCount">E.</param>
    /// <param name="perToken">K.</param>
    public ExpertRoutes(ReadOnlySpan<int> experts, int expertCount, int perToken)
    {
        PerToken = perToken;
        Offsets = new int[expertCount + 1];
        RowOfPair = new int[experts.Length];
        PairOfRow = new int[experts.Length];
        foreach (var expert in experts)
        {
            Offsets[expert + 1]++;
        }

        for (var e = 0; e < expertCount; e++)
        {
            Offsets[e + 1] += Offsets[e];
        }

        var next = Offsets.AsSpan(0, expertCount).ToArray();
        for (var pair = 0; pair < experts.Length; pair++)
        {
            var row = next[experts[pair]]++;
            RowOfPair[pair] = row;
            PairOfRow[row] = pair;
        }
    }

    /// <summary>K.</summary>
    public int PerToken { get; }

    /// <summary>N·K.</summary>
    public int Rows => PairOfRow.Length;

    /// <summary>Number of experts.</summary>
    public int Experts => Offsets.Length - 1;

    /// <summary>Rows of each expert, [E].</summary>
    public int[] Counts() => [.. Enumerable.Range(0, Experts).Select(e => Offsets[e + 1] - Offsets[e])];

    /// <summary>First row of each expert, and the number of rows, [E + 1].</summary>
    internal int[] Offsets { get; }

    /// <summary>Row of each pair.</summary>
    internal int[] RowOfPair { get; }

    /// <summary>Pair of each row.</summary>
    internal int[] PairOfRow { get; }

    /// <summary>The rows of each expert in blocks of at most <paramref name="size"/>.</summary>
    internal List<(int Expert, int First, int Count)> Blocks(int size)
    {
        var blocks = new List<(int, int, int)>();
        for (var e = 0; e < Experts; e++)
        {
            for (var row = Offsets[e]; row < Offsets[e + 1]; row += size)
            {
                blocks.Add((e, row, Math.Min(size, Offsets[e + 1] - row)));
            }
        }

        return blocks;
    }
}
