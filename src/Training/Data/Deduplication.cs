using System.Numerics;

namespace MiniMaxSharp.Training;

/// <summary>
/// Drops texts that were seen before: exactly (but for case, punctuation and spacing), or nearly, by MinHash (Broder 1997) of word runs with
/// locality-sensitive bands: texts whose signatures agree in one band are compared, and the share of equal entries estimates the Jaccard similarity.
/// </summary>
public sealed class Deduplication
{
    private const int SignatureLength = 128;
    private const int BandLength = 8;
    private readonly int runLength;
    private readonly double threshold;
    private readonly HashSet<ulong> exact = [];
    private readonly Dictionary<(int Band, ulong Hash), List<int>> bands = [];
    private readonly List<uint[]> signatures = [];

    /// <summary>Nothing seen yet.</summary>
    /// <param name="threshold">Estimated Jaccard similarity from which texts are near duplicates; above 1 only exact ones are found.</param>
    /// <param name="runLength">Words of a run.</param>
    public Deduplication(double threshold = 0.8, int runLength = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, 0.3);
        ArgumentOutOfRangeException.ThrowIfLessThan(runLength, 1);
        this.threshold = threshold;
        this.runLength = runLength;
    }

    /// <summary>What a text is to those before it.</summary>
    public enum Finding
    {
        /// <summary>New: it is remembered.</summary>
        New,

        /// <summary>The same words as an earlier text.</summary>
        Exact,

        /// <summary>Nearly the same runs of words as an earlier text.</summary>
        Near,
    }

    /// <summary>Looks a text up and remembers it when it is new.</summary>
    public Finding Add(string text)
    {
        var words = TextShingles.Words(text);
        if (!exact.Add(TextShingles.Run(words, 0, words.Count)))
        {
            return Finding.Exact;
        }

        if (threshold > 1 || words.Count < runLength)
        {
            return Finding.New;
        }

        var signature = Signature(words);
        for (var band = 0; band < SignatureLength / BandLength; band++)
        {
            if (bands.TryGetValue((band, BandHash(signature, band)), out var candidates)
                && candidates.Exists(candidate => Similarity(signatures[candidate], signature) >= threshold))
            {
                return Finding.Near;
            }
        }

        Remember(signature);
        return Finding.New;
    }

    private void Remember(uint[] signature)
    {
        signatures.Add(signature);
        for (var band = 0; band < SignatureLength / BandLength; band++)
        {
            var key = (band, BandHash(signature, band));
            if (!bands.TryGetValue(key, out var list))
            {
                bands.Add(key, list = []);
            }

            list.Add(signatures.Count - 1);
        }
    }

    /// <summary>Entry k is the smallest of hash k over all runs.</summary>
    private uint[] Signature(List<ulong> words)
    {
        var signature = new uint[SignatureLength];
        Array.Fill(signature, uint.MaxValue);
        foreach (var run in TextShingles.Runs(words, runLength).Distinct())
        {
            // One multiplication and rotation for each entry makes the hashes of a run independent enough.
            for (var k = 0; k < SignatureLength; k++)
            {
                var hash = (uint)(BitOperations.RotateLeft(run, k) * (0x9E3779B97F4A7C15UL + ((ulong)k << 33)) >> 32);
                signature[k] = Math.Min(signature[k], hash);
            }
        }

        return signature;
    }

    private static ulong BandHash(uint[] signature, int band)
    {
        var hash = 0UL;
        foreach (var entry in signature.AsSpan(band * BandLength, BandLength))
        {
            hash = SeededPermutation.Mix(hash, entry);
        }

        return hash;
    }

    private static double Similarity(uint[] a, uint[] b)
    {
        var equal = 0;
        for (var i = 0; i < a.Length; i++)
        {
            equal += a[i] == b[i] ? 1 : 0;
        }

        return (double)equal / a.Length;
    }
}
