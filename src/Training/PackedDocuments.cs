using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>
/// N tokens of one or more documents, one after the other without padding. Neither state nor attention crosses a boundary, and positions
/// begin at 0 in each document.
/// </summary>
public sealed class PackedDocuments
{
    /// <summary>Packs token ids [N] with the boundaries of the documents.</summary>
    /// <param name="ids">All tokens.</param>
    /// <param name="boundaries">0, the end of each document in order, the last of which is N (also known as cu_seqlens).</param>
    /// <exception cref="InvalidInputException">The boundaries do not fit.</exception>
    public PackedDocuments(int[] ids, int[] boundaries)
    {
        var fit = boundaries.Length >= 2 && boundaries[0] == 0 && boundaries[^1] == ids.Length;
        for (var i = 1; fit && i < boundaries.Length; i++)
        {
            fit = boundaries[i] > boundaries[i - 1];
        }

        if (!fit)
        {
            throw new InvalidInputException(
                $"The document boundaries [{string.Join(", ", boundaries.Take(8))}{(boundaries.Length > 8 ? ", …" : "")}] do not fit {ids.Length} tokens. "
                + "They begin with 0, grow, and end with the number of tokens.");
        }

        (Ids, Boundaries) = (ids, boundaries);
    }

    /// <summary>Experts [L][N, K] that the layers must take; −1 leaves a token to the router. Null leaves it all.</summary>
    public int[][]? Routes { get; set; }

    /// <summary>Token ids, [N].</summary>
    public int[] Ids { get; }

    /// <summary>Boundaries, one more than there are documents.</summary>
    public int[] Boundaries { get; }

    /// <summary>Number of tokens, N.</summary>
    public int Count => Ids.Length;

    /// <summary>Packs whole documents.</summary>
    /// <exception cref="InvalidInputException">There is none, or one is empty.</exception>
    public static PackedDocuments Of(params IReadOnlyList<int[]> documents)
    {
        var boundaries = new int[documents.Count + 1];
        for (var i = 0; i < documents.Count; i++)
        {
            boundaries[i + 1] = boundaries[i] + documents[i].Length;
        }

        return new PackedDocuments([.. documents.SelectMany(ids => ids)], boundaries);
    }

    /// <summary>For each token the next one of its document, or −1 at the end of a document: the targets of language modelling.</summary>
    public int[] NextTokens()
    {
        var next = new int[Count];
        for (var i = 0; i < Boundaries.Length - 1; i++)
        {
            var (start, end) = (Boundaries[i], Boundaries[i + 1]);
            Ids.AsSpan((start + 1)..end).CopyTo(next.AsSpan(start));
            next[end - 1] = -1;
        }

        return next;
    }

    /// <summary>Runs of documents of equal length: first token, documents, length of each.</summary>
    internal IEnumerable<(int Start, int Documents, int Length)> EqualRuns()
    {
        for (var first = 0; first < Boundaries.Length - 1;)
        {
            var length = Boundaries[first + 1] - Boundaries[first];
            var end = first + 1;
            while (end < Boundaries.Length - 1 && Boundaries[end + 1] - Boundaries[end] == length)
            {
                end++;
            }

            yield return (Boundaries[first], end - first, length);
            first = end;
        }
    }
}
