using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// The queries of up to 16 tokens in one key/value head, row r being token r / G and query head r % G of the group, and what they see.
/// A partial result over a range of keys is o [R, Dv], maximum [R], sum [R].
/// Legend: R rows, G query heads of a key/value head, D head width, Dv = D rounded up to 32.
/// </summary>
internal readonly unsafe struct AttentionTile<TVector, TFormat>(
    AttentionSlice slice, int firstToken, int tokens, int head, int group, int headDim, float* scratch)
    where TVector : struct, ISimd<TVector>
    where TFormat : struct, IKeyValueFormat
{
    private const int PageTokens = KeyValuePages.PageTokens;
    private const int Columns = KeyValuePages.PanelColumns;

    // A query times 2^112 could overflow, so scores take a part of the exponent.
    private const int ScoreExponent = 16;

    private readonly int rows = tokens * group;
    private readonly int padded = KeyValuePages.PadToPanel(headDim);
    private readonly int position = slice.Position + firstToken;

    /// <summary>Ranges that the last token sees.</summary>
    public int Ranges => (position + tokens + SoftmaxAttention.RangeTokens - 1) / SoftmaxAttention.RangeTokens;

    private static bool HasExponent => TFormat.Exponent != 0;

    private float* Queries => scratch; // [R, D]

    private float* Scores => scratch + Align(rows * headDim); // [R, 256]

    private float* Widened => Scores + (rows * PageTokens); // one panel: [D, 32] or [256, 32]

    private int HeadBytes => PageTokens * (((headDim + padded) * TFormat.ElementBytes) + (TFormat.HasScales ? 2 * sizeof(float) : 0));

    /// <summary>Floats of scratch.</summary>
    public static int ScratchLength(int rows, int headDim) =>
        Align(rows * headDim) + (rows * PageTokens) + (Columns * Math.Max(headDim, PageTokens));

    /// <summary>Copies the queries [T, A, D], scaled by 1 / sqrt(D): the scale uses D, not R.</summary>
    public void LoadQueries(float* queries, int heads)
    {
        var scale = (float)(1 / Math.Sqrt(headDim)) * (HasExponent ? Power(TFormat.Exponent - ScoreExponent) : 1);
        for (var r = 0; r < rows; r++)
        {
            var source = queries + Row(r, heads);
            for (var d = 0; d < headDim; d++)
            {
                Queries[(r * headDim) + d] = source[d] * scale;
            }
        }
    }

    /// <summary>Partial result over keys [1024 · range, 1024 · (range + 1)).</summary>
    public void Range(int range, float* partial)
    {
        float* max = partial + (rows * padded), sum = max + rows;
        new Span<float>(partial, rows * padded).Clear();
        new Span<float>(max, rows).Fill(float.NegativeInfinity);
        new Span<float>(sum, rows).Clear();
        var end = Math.Min((range + 1) * SoftmaxAttention.RangeTokens, position + tokens);
        for (var start = range * SoftmaxAttention.RangeTokens; start < end; start += PageTokens)
        {
            var keys = Math.Min(PageTokens, end - start);
            var k = (byte*)slice.Table[start / PageTokens] + ((nint)head * HeadBytes);
            var v = k + (PageTokens * headDim * TFormat.ElementBytes);
            var scales = (float*)(v + (PageTokens * padded * TFormat.ElementBytes));
            for (var n = 0; n < keys; n += Columns)
            {
                PanelProduct<TVector, TFormat>.Multiply(
                    Queries, headDim, k + (n * headDim * TFormat.ElementBytes), Widened, Scores + n, PageTokens, rows, headDim, add: false);
            }

            for (var r = 0; r < rows; r++)
            {
                var visible = Math.Clamp(position + (r / group) + 1 - start, 0, keys);
                Probabilities(Scores + (r * PageTokens), scales, visible, keys, max + r, sum + r, partial + (r * padded));
            }

            for (var n = 0; n < padded; n += Columns)
            {
                PanelProduct<TVector, TFormat>.Multiply(
                    Scores, PageTokens, v + (n * PageTokens * TFormat.ElementBytes), Widened, partial + n, padded, rows, keys, add: true);
            }
        }
    }

    /// <summary>total ← total and next, both rescaled to the larger maximum.</summary>
    public void Merge(float* total, float* next)
    {
        float* max = total + (rows * padded), sum = max + rows;
        float* nextMax = next + (rows * padded), nextSum = nextMax + rows;
        for (var r = 0; r < rows; r++)
        {
            var larger = MathF.Max(max[r], nextMax[r]);
            float keep = MathF.Exp(max[r] - larger), take = MathF.Exp(nextMax[r] - larger);
            max[r] = larger;
            sum[r] = (sum[r] * keep) + (nextSum[r] * take);
            var (keeps, takes) = (TVector.Broadcast(keep), TVector.Broadcast(take));
            for (var d = r * padded; d < (r + 1) * padded; d += TVector.Lanes)
            {
                TVector.Fma(TVector.Load(next + d), takes, TVector.Load(total + d) * keeps).Store(total + d);
            }
        }
    }

    /// <summary>Writes o / sum into output [T, A, D].</summary>
    public void StoreOutput(float* total, float* output, int heads)
    {
        var sum = total + (rows * padded) + rows;
        for (var r = 0; r < rows; r++)
        {
            var target = output + Row(r, heads);
            for (var d = 0; d < headDim; d++)
            {
                target[d] = total[(r * padded) + d] / sum[r];
            }
        }
    }

    private static float Power(int exponent) => BitConverter.Int32BitsToSingle((127 + exponent) << 23);

    private static int Align(int floats) => (floats + 15) / 16 * 16;

    private nint Row(int r, int heads) => ((((nint)slice.Row + firstToken + (r / group)) * heads) + (head * group) + (r % group)) * headDim;

    /// <summary>
    /// scores[0 … visible) ← e^(score − max), 0 up to <paramref name="keys"/>; rescales the running sum and output when the maximum grows.
    /// The factors of the format go in and out here: scores get the scale of their key, probabilities that of their value.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Probabilities(float* scores, float* scales, int visible, int keys, float* max, float* sum, float* o)
    {
        var vectors = visible / TVector.Lanes * TVector.Lanes;
        var newMax = MathF.Max(Scale<TVector>(scores, scales, 0, vectors, *max), Scale<F32x1>(scores, scales, vectors, visible, *max));
        if (newMax > *max)
        {
            var correction = MathF.Exp(*max - newMax);
            *max = newMax;
            *sum *= correction;
            var factor = TVector.Broadcast(correction);
            for (var d = 0; d < padded; d += TVector.Lanes)
            {
                (TVector.Load(o + d) * factor).Store(o + d);
            }
        }

        *sum += Exponentiate<TVector>(scores, scales + PageTokens, 0, vectors, *max)
            + Exponentiate<F32x1>(scores, scales + PageTokens, vectors, visible, *max);
        new Span<float>(scores + visible, keys - visible).Clear();
    }

    /// <summary>Gives scores their factor and returns the largest of them and <paramref name="max"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Scale<T>(float* scores, float* scales, int start, int end, float max)
        where T : struct, ISimd<T>
    {
        var largest = T.Broadcast(max);
        for (var i = start; i < end; i += T.Lanes)
        {
            var score = T.Load(scores + i);
            if (HasExponent || TFormat.HasScales)
            {
                score *= TFormat.HasScales ? T.Load(scales + i) : T.Broadcast(Power(ScoreExponent));
                score.Store(scores + i);
            }

            largest = T.Max(largest, score);
        }

        return largest.MaxLane();
    }

    /// <summary>Turns scores into probabilities, gives them the factor of their value, and returns their sum without it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Exponentiate<T>(float* scores, float* scales, int start, int end, float max)
        where T : struct, ISimd<T>
    {
        var total = T.Zero;
        for (var i = start; i < end; i += T.Lanes)
        {
            var p = VectorMath.Exp(T.Load(scores + i) - T.Broadcast(max));
            total += p;
            if (HasExponent || TFormat.HasScales)
            {
                p *= TFormat.HasScales ? T.Load(scales + i) : T.Broadcast(Power(TFormat.Exponent));
            }

            p.Store(scores + i);
        }

        return total.Sum();
    }
}
