using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Finds the merges of byte-pair encoding: again and again the pair of neighbours that occurs most often becomes one token. Counts are kept up to date
/// piece by piece, so a merge costs only the pieces that hold its pair.
/// </summary>
internal sealed class MergeLearner
{
    private readonly List<int[]> words = [];
    private readonly List<long> counts = [];
    private readonly Dictionary<(int Left, int Right), long> pairCounts = [];
    private readonly Dictionary<(int Left, int Right), HashSet<int>> wordsOfPair = [];
    private readonly PriorityQueue<(int Left, int Right, long Count), (long MinusCount, int Left, int Right)> queue = new();
    private readonly List<bool> hasDigit = [.. Enumerable.Range(0, 256).Select(static value => value is >= '0' and <= '9')];
    private readonly bool mergeDigits;

    /// <summary>Takes the pieces, a character for each byte, with their counts.</summary>
    public MergeLearner(IEnumerable<KeyValuePair<string, long>> pieces, bool mergeDigits)
    {
        this.mergeDigits = mergeDigits;
        foreach (var (piece, count) in pieces)
        {
            words.Add([.. piece.Select(static letter => (int)letter)]);
            counts.Add(count);
            CountPairs(words.Count - 1, +1);
        }
    }

    /// <summary>The merges in order; merge i makes token 256 + i.</summary>
    public List<(int Left, int Right)> Learn(int limit, int minCount)
    {
        foreach (var (pair, count) in pairCounts)
        {
            Enqueue(pair, count);
        }

        var merges = new List<(int Left, int Right)>(limit);
        while (merges.Count < limit && queue.TryDequeue(out var best, out _))
        {
            var pair = (best.Left, best.Right);
            var count = pairCounts.GetValueOrDefault(pair);
            if (count != best.Count)
            {
                continue; // An older entry; the pair was queued again when its count changed.
            }

            if (count < minCount)
            {
                break;
            }

            Merge(pair, 256 + merges.Count);
            merges.Add(pair);
        }

        return merges;
    }

    private void Merge((int Left, int Right) pair, int token)
    {
        hasDigit.Add(hasDigit[pair.Left] || hasDigit[pair.Right]);
        var touched = new HashSet<(int Left, int Right)>();
        foreach (var word in wordsOfPair[pair].Order().ToArray())
        {
            Note(words[word], touched);
            CountPairs(word, -1);
            words[word] = Replace(words[word], pair, token);
            CountPairs(word, +1);
            Note(words[word], touched);
        }

        pairCounts.Remove(pair);
        wordsOfPair.Remove(pair);
        touched.Remove(pair);
        foreach (var changed in touched)
        {
            Enqueue(changed, pairCounts.GetValueOrDefault(changed));
        }
    }

    private void Enqueue((int Left, int Right) pair, long count)
    {
        if (count > 0 && (mergeDigits || !hasDigit[pair.Left] || !hasDigit[pair.Right]))
        {
            queue.Enqueue((pair.Left, pair.Right, count), (-count, pair.Left, pair.Right));
        }
    }

    private static void Note(int[] word, HashSet<(int Left, int Right)> pairs)
    {
        for (var i = 0; i + 1 < word.Length; i++)
        {
            pairs.Add((word[i], word[i + 1]));
        }
    }

    private void CountPairs(int word, int sign)
    {
        var ids = words[word];
        for (var i = 0; i + 1 < ids.Length; i++)
        {
            var pair = (ids[i], ids[i + 1]);
            CollectionsMarshal.GetValueRefOrAddDefault(pairCounts, pair, out _) += sign * counts[word];
            ref var holders = ref CollectionsMarshal.GetValueRefOrAddDefault(wordsOfPair, pair, out _);
            holders ??= [];
            if (sign > 0)
            {
                holders.Add(word);
            }
            else
            {
                holders.Remove(word);
            }
        }
    }

    private static int[] Replace(int[] word, (int Left, int Right) pair, int token)
    {
        var merged = new List<int>(word.Length);
        for (var i = 0; i < word.Length; i++)
        {
            if (i + 1 < word.Length && word[i] == pair.Left && word[i + 1] == pair.Right)
            {
                merged.Add(token);
                i++;
            }
            else
            {
                merged.Add(word[i]);
            }
        }

        return [.. merged];
    }
}
