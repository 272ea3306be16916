using System.Buffers;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Tokens that may be drawn, in the order of their ids, in three parallel columns. Cuts them down exactly without sorting them all.
/// The rank of a token: largest logit first, then lowest id.
/// </summary>
internal ref struct SamplingCandidates
{
    private const int Buckets = 2048;
    private const int SortAtMost = 256;

    // Beyond this distance from the best logit all share the last bucket of the first pass.
    private const float WidestRange = 64;

    /// <summary>Ids, ascending.</summary>
    public Span<int> Ids;

    /// <summary>Logits of the ids.</summary>
    public Span<float> Logits;

    /// <summary>Weights of the ids; empty when only ranks matter.</summary>
    public Span<double> Weights;

    /// <summary>How many candidates there are.</summary>
    public readonly int Count => Ids.Length;

    /// <summary>Sum of the weights, in the order of the ids.</summary>
    public readonly double Mass
    {
        get
        {
            var sum = 0.0;
            foreach (var weight in Weights)
            {
                sum += weight;
            }

            return sum;
        }
    }

    /// <summary>Keeps the candidates whose weight reaches <paramref name="least"/>.</summary>
    public void KeepHeavy(double least)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            Move(i, kept);
            kept += Weights[kept] >= least ? 1 : 0;
        }

        Shorten(kept);
    }

    /// <summary>Keeps the <paramref name="count"/> best.</summary>
    public void KeepCount(int count)
    {
        if (count < Count)
        {
            KeepUntil(count, byCount: true);
        }
    }

    /// <summary>Keeps the smallest set of best candidates whose weight reaches <paramref name="mass"/>, at least one.</summary>
    public void KeepMass(double mass) => KeepUntil(Math.Max(mass, double.Epsilon), byCount: false);

    private void KeepUntil(double target, bool byCount)
    {
        var rented = ArrayPool<int>.Shared.Rent(Count);
        var places = rented.AsSpan(0, Count);
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = i;
        }

        var last = FindLast(target, byCount ? default : Weights, places);
        ArrayPool<int>.Shared.Return(rented);
        if (last < 0)
        {
            return;
        }

        // Moved first and counted then: whether a candidate is kept cannot be predicted.
        var logits = Logits;
        var lastLogit = logits[last];
        var kept = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            var logit = logits[i];
            Move(i, kept);
            kept += (logit > lastLogit ? 1 : 0) | (logit == lastLogit && i <= last ? 1 : 0);
        }

        Shorten(kept);
    }

    /// <summary>
    /// The place of the last candidate to keep, -1 for all. Adds up weights in buckets of the logit, goes into the bucket where the target is passed,
    /// and sorts what is left there. The first buckets divide the range evenly; where that was too coarse, the digits of the float follow.
    /// </summary>
    private readonly int FindLast(double target, ReadOnlySpan<double> weights, Span<int> places)
    {
        Span<double> sums = stackalloc double[Buckets];
        var top = float.NegativeInfinity;
        var bottom = float.PositiveInfinity;
        foreach (var logit in Logits)
        {
            top = logit > top ? logit : top;
            bottom = logit < bottom ? logit : bottom;
        }

        var scale = top > bottom ? Buckets / Math.Min(top - bottom, WidestRange) : 0;
        var count = places.Length;
        for (var pass = 0; pass < 4 && count > SortAtMost; pass++)
        {
            sums.Clear();
            foreach (var place in places[..count])
            {
                sums[Bucket(Logits[place], pass, top, scale)] += weights.IsEmpty ? 1 : weights[place];
            }

            var passed = 0;
            for (; passed < Buckets && sums[passed] < target; passed++)
            {
                target -= sums[passed];
            }

            if (passed == Buckets)
            {
                return -1;
            }

            var inBucket = 0;
            foreach (var place in places[..count])
            {
                places[inBucket] = place;
                inBucket += Bucket(Logits[place], pass, top, scale) == passed ? 1 : 0;
            }

            count = inBucket;
        }

        return WalkRanked(target, weights, places[..count]);
    }

    /// <summary>Smaller for larger logits, never the other way round. Pass 0: even parts of the range. Then 11, 11 and 10 bits of the float.</summary>
    private static int Bucket(float logit, int pass, float top, float scale) => pass switch
    {
        0 => (top - logit) * scale is < Buckets - 1 and var even ? (int)even : Buckets - 1,
        1 => (int)(Rank(logit) >> 21),
        2 => (int)((Rank(logit) >> 10) & 0x7FF),
        _ => (int)(Rank(logit) & 0x3FF),
    };

    /// <summary>Walks few candidates in the order of their rank, or many of one logit, which are in order already.</summary>
    private readonly int WalkRanked(double target, ReadOnlySpan<double> weights, Span<int> places)
    {
        if (places.Length <= SortAtMost)
        {
            Span<ulong> keys = stackalloc ulong[places.Length];
            for (var i = 0; i < keys.Length; i++)
            {
                keys[i] = ((ulong)Rank(Logits[places[i]]) << 32) | (uint)places[i];
            }

            keys.Sort();
            for (var i = 0; i < keys.Length; i++)
            {
                places[i] = (int)(uint)keys[i];
            }
        }

        foreach (var place in places)
        {
            target -= weights.IsEmpty ? 1 : weights[place];
            if (target <= 0)
            {
                return place;
            }
        }

        return places[^1];
    }

    private readonly void Move(int from, int to)
    {
        Ids[to] = Ids[from];
        Logits[to] = Logits[from];
        if (!Weights.IsEmpty)
        {
            Weights[to] = Weights[from];
        }
    }

    private void Shorten(int count)
    {
        Ids = Ids[..count];
        Logits = Logits[..count];
        Weights = Weights.IsEmpty ? default : Weights[..count];
    }

    /// <summary>A number that is smaller for larger logits; equal for equal ones (both zeros are one).</summary>
    private static uint Rank(float logit)
    {
        var bits = BitConverter.SingleToUInt32Bits(logit + 0f);
        return (bits & 0x80000000) != 0 ? bits : ~(bits | 0x80000000);
    }
}
