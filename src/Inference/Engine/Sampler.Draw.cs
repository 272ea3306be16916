using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Inference;

/// <content>
/// The draw. Nothing sorts the vocabulary: maxima of blocks and sums give a threshold that is sure to be low enough,
/// what lies above it is collected, and the collected tokens are cut down exactly.
/// </content>
public sealed partial class Sampler
{
    private const int BlockSize = 256;

    private double InverseTemperature => 1 / parameters.Temperature;

    /// <summary>Draws from e^((logit - max) / temperature) after min-p, top-k and top-p.</summary>
    private int Draw(ReadOnlySpan<float> usable, float max, bool sumsAreKnown)
    {
        var limitsCount = parameters.TopK > 0 && parameters.TopK < usable.Length;
        if (!limitsCount && parameters is { TopP: 1, MinP: 0 })
        {
            var total = sumsAreKnown ? Sum(blockSums) : SumBlocks(usable, max, InverseTemperature);
            return DrawFromAll(usable, max, random.NextDouble() * total);
        }

        var threshold = limitsCount ? CountThreshold(parameters.TopK) : float.NegativeInfinity;
        var mass = double.NaN;
        if (parameters.MinP > 0)
        {
            threshold = Math.Max(threshold, WeightThreshold(max, parameters.MinP));
        }
        else if (!limitsCount)
        {
            // Tokens below this weight have together less than half of what top-p drops.
            mass = sumsAreKnown ? Sum(blockSums) : SumBlocks(usable, max, InverseTemperature);
            threshold = WeightThreshold(max, (1 - parameters.TopP) * mass / (2.0 * usable.Length));
        }

        var ids = ArrayPool<int>.Shared.Rent(usable.Length);
        var logits = ArrayPool<float>.Shared.Rent(usable.Length);
        var weights = ArrayPool<double>.Shared.Rent(usable.Length);
        try
        {
            var candidates = Collect(usable, threshold, ids, logits);
            candidates.Weights = weights.AsSpan(0, candidates.Count);
            SamplingExp.Weigh(candidates.Logits, max, InverseTemperature, candidates.Weights);
            Truncate(ref candidates, mass);
            return candidates.Ids[Pick(candidates.Weights, random.NextDouble() * candidates.Mass)];
        }
        finally
        {
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<float>.Shared.Return(logits);
            ArrayPool<double>.Shared.Return(weights);
        }
    }

    /// <summary>Min-p, top-k and top-p.</summary>
    /// <param name="candidates">At least all tokens that are kept.</param>
    /// <param name="mass">Weight of all tokens where top-p is the only limit; else NaN.</param>
    private void Truncate(ref SamplingCandidates candidates, double mass)
    {
        if (parameters.MinP > 0)
        {
            candidates.KeepHeavy(parameters.MinP);
        }

        if (parameters.TopK > 0)
        {
            candidates.KeepCount(parameters.TopK);
        }

        if (parameters.TopP < 1)
        {
            candidates.KeepMass(parameters.TopP * (double.IsNaN(mass) ? candidates.Mass : mass));
        }
    }

    /// <summary>Draws from all tokens: first the block, then the token in it.</summary>
    private int DrawFromAll(ReadOnlySpan<float> usable, float max, double target)
    {
        var block = 0;
        for (; block < blockSums.Length - 1 && target >= blockSums[block]; block++)
        {
            target -= blockSums[block];
        }

        // Rounding can end behind the last block that has any weight.
        while (blockSums[block] == 0)
        {
            block--;
        }

        var start = block * BlockSize;
        Span<double> weights = stackalloc double[Math.Min(BlockSize, usable.Length - start)];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = SamplingExp.Exp((usable[start + i] - (double)max) * InverseTemperature);
        }

        return start + Pick(weights, target);
    }

    /// <summary>The first place where the running sum passes <paramref name="target"/>; never one of weight 0.</summary>
    private static int Pick(ReadOnlySpan<double> weights, double target)
    {
        var last = 0;
        var sum = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            sum += weights[i];
            last = weights[i] > 0 ? i : last;
            if (sum > target)
            {
                break;
            }
        }

        return last;
    }

    /// <summary>A logit that no fewer than <paramref name="count"/> logits reach: the count-th largest of the maxima of blocks.</summary>
    private float CountThreshold(int count)
    {
        if (count > blockMaxima.Length)
        {
            return float.NegativeInfinity;
        }

        var copy = ArrayPool<float>.Shared.Rent(blockMaxima.Length);
        blockMaxima.CopyTo(copy, 0);
        Array.Sort(copy, 0, blockMaxima.Length);
        var threshold = copy[blockMaxima.Length - count];
        ArrayPool<float>.Shared.Return(copy);
        return threshold;
    }

    /// <summary>A logit at or below the one whose weight is <paramref name="weight"/>; cheap and safe rather than near.</summary>
    private float WeightThreshold(float max, double weight)
    {
        const double Ln2 = 0.6931471805599453;
        var exponent = weight > double.Epsilon ? (Math.ILogB(weight) * Ln2) - 0.01 : double.NegativeInfinity;
        return float.BitDecrement((float)(max + (parameters.Temperature * exponent)));
    }

    /// <summary>The tokens whose logit is at least <paramref name="threshold"/>. Blocks whose maximum lies below are skipped.</summary>
    private SamplingCandidates Collect(ReadOnlySpan<float> usable, float threshold, Span<int> ids, Span<float> logits)
    {
        var count = 0;
        var thresholds = Vector256.Create(threshold);
        for (var block = 0; block < blockMaxima.Length; block++)
        {
            if (blockMaxima[block] < threshold)
            {
                continue;
            }

            var i = block * BlockSize;
            var end = Math.Min(i + BlockSize, usable.Length);
            for (; i <= end - 8; i += 8)
            {
                var mask = Vector256.GreaterThanOrEqual(Vector256.Create(usable.Slice(i, 8)), thresholds).ExtractMostSignificantBits();
                for (; mask != 0; mask &= mask - 1)
                {
                    ids[count++] = i + BitOperations.TrailingZeroCount(mask);
                }
            }

            for (; i < end; i++)
            {
                if (usable[i] >= threshold)
                {
                    ids[count++] = i;
                }
            }
        }

        for (var i = 0; i < count; i++)
        {
            logits[i] = usable[ids[i]];
        }

        return new SamplingCandidates { Ids = ids[..count], Logits = logits[..count] };
    }

    /// <summary>The first of the largest logits.</summary>
    private int FindBest(ReadOnlySpan<float> usable, float max)
    {
        var start = blockMaxima.AsSpan().IndexOf(max) * BlockSize;
        return start + usable[start..].IndexOf(max);
    }

    private float FindMaxima(ReadOnlySpan<float> usable)
    {
        var max = float.NegativeInfinity;
        for (var block = 0; block < blockMaxima.Length; block++)
        {
            var start = block * BlockSize;
            blockMaxima[block] = Max(usable.Slice(start, Math.Min(BlockSize, usable.Length - start)));
            max = Math.Max(max, blockMaxima[block]);
        }

        return max;
    }

    /// <summary>The largest logit; NaN when one is NaN.</summary>
    private static float Max(ReadOnlySpan<float> logits)
    {
        var maxima = Vector256.Create(float.NegativeInfinity);
        var ordered = Vector256<float>.AllBitsSet;
        var i = 0;
        for (; i <= logits.Length - 8; i += 8)
        {
            var values = Vector256.Create(logits.Slice(i, 8));
            ordered &= Vector256.Equals(values, values);
            maxima = Vector256.ConditionalSelect(Vector256.GreaterThan(values, maxima), values, maxima);
        }

        var max = ordered.ExtractMostSignificantBits() == 0xFF ? float.NegativeInfinity : float.NaN;
        for (var lane = 0; lane < 8; lane++)
        {
            max = Math.Max(max, maxima[lane]);
        }

        for (; i < logits.Length; i++)
        {
            max = Math.Max(max, logits[i]);
        }

        return max;
    }

    private double SumBlocks(ReadOnlySpan<float> usable, float max, double inverseTemperature)
    {
        for (var block = 0; block < blockSums.Length; block++)
        {
            var start = block * BlockSize;
            blockSums[block] = SamplingExp.Sum(usable.Slice(start, Math.Min(BlockSize, usable.Length - start)), max, inverseTemperature);
        }

        return Sum(blockSums);
    }

    private static double Sum(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += value;
        }

        return sum;
    }
}
