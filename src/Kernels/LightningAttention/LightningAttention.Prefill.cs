using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

public static unsafe partial class LightningAttention
{
    private const int TileTokens = 6;

    private readonly partial struct Work
    {
        /// <summary>
        /// One block of m ≤ 256 tokens of one head, t and j from 1:
        /// o_t = e^(−s t) q_t S + Σ_{j ≤ t} e^(−s (t−j)) (q_t · k_j) v_j;  S ← e^(−s m) S + Σ_j e^(−s (m−j)) k_jᵀ v_j.
        /// Every exponent is at most 0. Splitting e^(−s (t−j)) into two factors would overflow.
        /// </summary>
        private void Block<TVector>(int row, int m, int head, float* state, int worker)
            where TVector : struct, ISimd<TVector>
        {
            const int tableLength = 2 * BlockTokens;
            var q = pool.Scratch(worker, tableLength + (2 * TileTokens * BlockTokens) + (padded * ((3 * BlockTokens) + (2 * TileTokens))));
            var decayedQ = q + (BlockTokens * padded);
            var v = decayedQ + (TileTokens * padded);
            var o = v + (BlockTokens * padded);
            var keysTransposed = o + (TileTokens * padded); // [D, 256]
            var scores = keysTransposed + (padded * BlockTokens); // [6, 256]
            var decay = scores + (TileTokens * BlockTokens); // decay[255 − n] = e^(−s n), 0 beyond 255
            LoadBlock(row, m, head, q, keysTransposed, v);
            for (var n = 0; n < BlockTokens; n++)
            {
                decay[BlockTokens - 1 - n] = (float)Math.Exp(-(double)slopes[head] * n);
                decay[BlockTokens + n] = 0;
            }

            for (var t = 0; t < m; t += TileTokens)
            {
                var rows = Math.Min(TileTokens, m - t);
                var keys = t + rows;
                TileMatMul.Multiply<TVector>(q + (t * padded), padded, keysTransposed, BlockTokens, scores, BlockTokens, rows, headDim, TileMatMul.Pad(keys), add: false);
                for (var i = 0; i < rows; i++)
                {
                    Scale<TVector>(scores + (i * BlockTokens), decay + (BlockTokens - 1 - (t + i)), TileMatMul.Pad(keys));
                    var toStart = (float)Math.Exp(-(double)slopes[head] * (t + i + 1));
                    ScaleRow<TVector>(q + ((t + i) * padded), toStart, decayedQ + (i * padded), padded);
                }

                TileMatMul.Multiply<TVector>(scores, BlockTokens, v, padded, o, padded, rows, keys, padded, add: false);
                TileMatMul.Multiply<TVector>(decayedQ, padded, state, padded, o, padded, rows, headDim, padded, add: true);
                for (var i = 0; i < rows; i++)
                {
                    new Span<float>(o + (i * padded), headDim).CopyTo(new Span<float>(Output(row + t + i, head), headDim));
                }
            }

            var keep = (float)Math.Exp(-(double)slopes[head] * m);
            for (var i = 0; i < headDim; i++)
            {
                Scale<TVector>(keysTransposed + (i * BlockTokens), decay + (BlockTokens - m), TileMatMul.Pad(m));
                ScaleRow<TVector>(state + (i * padded), keep, state + (i * padded), padded);
            }

            TileMatMul.Multiply<TVector>(keysTransposed, BlockTokens, v, padded, state, padded, headDim, m, padded, add: true);
        }

        /// <summary>Copies q and v [m, Dp] and k transposed [D, 256] of one head; padding is zero.</summary>
        private void LoadBlock(int row, int m, int head, float* q, float* keysTransposed, float* v)
        {
            new Span<float>(q, m * padded).Clear();
            new Span<float>(v, m * padded).Clear();
            for (var t = 0; t < m; t++)
            {
                var source = Query(row + t, head);
                new Span<float>(source, headDim).CopyTo(new Span<float>(q + (t * padded), headDim));
                new Span<float>(source + (2 * headDim), headDim).CopyTo(new Span<float>(v + (t * padded), headDim));
            }

            Transpose(row, m, head, keysTransposed);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Transpose(int row, int m, int head, float* keysTransposed)
        {
            const int tile = 16;
            var end = TileMatMul.Pad(m);
            for (var t0 = 0; t0 < end; t0 += tile)
            {
                for (var i = 0; i < headDim; i++)
                {
                    var target = keysTransposed + (i * BlockTokens) + t0;
                    for (var t = 0; t < tile; t++)
                    {
                        target[t] = t0 + t < m ? Query(row + t0 + t, head)[headDim + i] : 0;
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Scale<TVector>(float* values, float* factors, int count)
            where TVector : struct, ISimd<TVector>
        {
            for (var i = 0; i < count; i += TVector.Lanes)
            {
                (TVector.Load(values + i) * TVector.Load(factors + i)).Store(values + i);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void ScaleRow<TVector>(float* values, float factor, float* destination, int count)
            where TVector : struct, ISimd<TVector>
        {
            var f = TVector.Broadcast(factor);
            for (var i = 0; i < count; i += TVector.Lanes)
            {
                (TVector.Load(values + i) * f).Store(destination + i);
            }
        }
    }
}
