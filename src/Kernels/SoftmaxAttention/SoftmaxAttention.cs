using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Causal softmax attention with grouped queries over paged keys and values (specification section 4):
/// o_t = Σ_{j ≤ t} softmax(q_t · k_j / sqrt(D)) v_j. Scores are never materialised beyond one page: running maximum and sum.
/// Legend: T tokens of the step, A query heads, KV heads, G = A / KV, D head width, Dp = D rounded up to 16.
/// </summary>
public static unsafe partial class SoftmaxAttention
{
    private const int TileTokens = 16;

    /// <summary>Computes the outputs of all slices.</summary>
    /// <param name="slices">Sequences of this step; their new keys and values are appended already.</param>
    /// <param name="queries">[T, A, D], rotated.</param>
    /// <param name="heads">A.</param>
    /// <param name="keyValueHeads">KV.</param>
    /// <param name="headDim">D.</param>
    /// <param name="output">[T, A, D].</param>
    /// <param name="pool">Threads; the work is split by sequence, 16 tokens and key/value head.</param>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    public static void Forward(
        ReadOnlySpan<AttentionSlice> slices, AlignedBuffer<float> queries, int heads, int keyValueHeads, int headDim, AlignedBuffer<float> output, ComputePool pool)
    {
        var items = 0;
        foreach (ref readonly var slice in slices)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(
                ((long)slice.Row + slice.Tokens) * heads * headDim, Math.Min(queries.Length, output.Length), nameof(queries));
            items += Tiles(slice) * keyValueHeads;
        }

        fixed (AttentionSlice* first = slices)
        {
            var work = new Work(first, queries.Pointer, heads, keyValueHeads, headDim, output.Pointer, pool);
            pool.For(items, grain: 1, ref work);
        }
    }

    private static int Tiles(in AttentionSlice slice) => (slice.Tokens + TileTokens - 1) / TileTokens;

    /// <summary>Item i is one key/value head of one tile of tokens, counted over all slices.</summary>
    private readonly struct Work(
        AttentionSlice* slices, float* queries, int heads, int keyValueHeads, int headDim, float* output, ComputePool pool) : IParallelWork
    {
        private readonly int group = heads / keyValueHeads;
        private readonly int padded = TileMatMul.Pad(headDim);

        public void Execute(int start, int end, int worker)
        {
            for (var item = start; item < end; item++)
            {
                var slice = slices;
                var index = item;
                for (; index >= Tiles(*slice) * keyValueHeads; slice++)
                {
                    index -= Tiles(*slice) * keyValueHeads;
                }

                var firstToken = index / keyValueHeads * TileTokens;
                switch (Isa.Path)
                {
                    case IsaPath.V512: Tile<F32x16>(*slice, firstToken, index % keyValueHeads, worker); break;
                    case IsaPath.V256: Tile<F32x8>(*slice, firstToken, index % keyValueHeads, worker); break;
                    default: Tile<F32x1>(*slice, firstToken, index % keyValueHeads, worker); break;
                }
            }
        }

        private void Tile<TVector>(in AttentionSlice slice, int firstToken, int keyValueHead, int worker)
            where TVector : struct, ISimd<TVector>
        {
            const int pageTokens = KeyValuePages.PageTokens;
            var tokens = Math.Min(TileTokens, slice.Tokens - firstToken);
            var rows = tokens * group; // row r: token r / G, query head r % G of this group
            var position = slice.Position + firstToken;
            var q = pool.Scratch(worker, (rows * ((2 * padded) + pageTokens)) + (2 * rows));
            var o = q + (rows * padded);
            var scores = o + (rows * padded);
            var max = scores + (rows * pageTokens);
            var sum = max + rows;
            LoadQueries(slice.Row + firstToken, keyValueHead, rows, q);
            new Span<float>(o, rows * padded).Clear();
            new Span<float>(max, rows).Fill(float.NegativeInfinity);
            new Span<float>(sum, rows).Clear();
            for (var start = 0; start < position + tokens; start += pageTokens)
            {
                var keys = Math.Min(pageTokens, position + tokens - start);
                var page = (float*)slice.Table[start / pageTokens];
                var k = page + (keyValueHead * headDim * pageTokens);
                var v = page + (keyValueHeads * headDim * pageTokens) + (keyValueHead * pageTokens * padded);
                TileMatMul.Multiply<TVector>(q, padded, k, pageTokens, scores, pageTokens, rows, headDim, TileMatMul.Pad(keys), add: false);
                for (var r = 0; r < rows; r++)
                {
                    var visible = Math.Clamp(position + (r / group) + 1 - start, 0, keys);
                    Probabilities<TVector>(scores + (r * pageTokens), visible, keys, max + r, sum + r, o + (r * padded));
                }

                TileMatMul.Multiply<TVector>(scores, pageTokens, v, padded, o, padded, rows, keys, padded, add: true);
            }

            StoreOutput(slice.Row + firstToken, keyValueHead, rows, o, sum);
        }

        /// <summary>Copies the tile's queries, scaled by 1 / sqrt(D): the scale uses D, not R.</summary>
        private void LoadQueries(int row, int keyValueHead, int rows, float* q)
        {
            new Span<float>(q, rows * padded).Clear();
            var scale = (float)(1 / Math.Sqrt(headDim));
            for (var r = 0; r < rows; r++)
            {
                var source = queries + (((((nint)row + (r / group)) * heads) + (keyValueHead * group) + (r % group)) * headDim);
                for (var d = 0; d < headDim; d++)
                {
                    q[(r * padded) + d] = source[d] * scale;
                }
            }
        }

        private void StoreOutput(int row, int keyValueHead, int rows, float* o, float* sum)
        {
            for (var r = 0; r < rows; r++)
            {
                var target = output + (((((nint)row + (r / group)) * heads) + (keyValueHead * group) + (r % group)) * headDim);
                for (var d = 0; d < headDim; d++)
                {
                    target[d] = o[(r * padded) + d] / sum[r];
                }
            }
        }

        /// <summary>scores[0 … visible) ← e^(score − max), 0 up to <paramref name="keys"/>; rescales the running sum and output when the maximum grows.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Probabilities<TVector>(float* scores, int visible, int keys, float* max, float* sum, float* o)
            where TVector : struct, ISimd<TVector>
        {
            var largest = TVector.Broadcast(*max);
            var i = 0;
            for (; i <= visible - TVector.Lanes; i += TVector.Lanes)
            {
                largest = TVector.Max(largest, TVector.Load(scores + i));
            }

            var newMax = largest.MaxLane();
            for (; i < visible; i++)
            {
                newMax = MathF.Max(newMax, scores[i]);
            }

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

            var total = TVector.Zero;
            for (i = 0; i <= visible - TVector.Lanes; i += TVector.Lanes)
            {
                var p = VectorMath.Exp(TVector.Load(scores + i) - TVector.Broadcast(*max));
                p.Store(scores + i);
                total += p;
            }

            var rest = total.Sum();
            for (; i < visible; i++)
            {
                var p = VectorMath.Exp(F32x1.Load(scores + i) - F32x1.Broadcast(*max));
                p.Store(scores + i);
                rest += p.Sum();
            }

            *sum += rest;
            new Span<float>(scores + visible, keys - visible).Clear();
        }
    }
}
