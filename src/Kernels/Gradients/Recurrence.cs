using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>One D-vector for each token and head: token t, head h begins at start + t · tokenStride + h · headStride.</summary>
internal readonly unsafe struct HeadVectors(float* start, nint tokenStride, int headStride)
{
    public nint TokenStride => tokenStride;

    public float* At(int token, int head) => start + (token * tokenStride) + ((nint)head * headStride);
}

/// <summary>
/// S ← lam · S + aᵀ b, out = c S over the tokens of one document and head, in either direction; the four passes of lightning attention
/// and its gradient. S is [D, D]; it is cut into panels of columns, each of which stays in the first cache.
/// </summary>
internal sealed class Recurrence(HeadVectors a, HeadVectors b, HeadVectors c, HeadVectors o, bool reverse)
{
    /// <summary>Runs columns [column, column + 2 · lanes) of one head over tokens [first, end); <paramref name="state"/> has room for D rows of them.</summary>
    public unsafe void Run(int head, int D, int first, int end, float decay, int column, int lanes, float* state)
    {
        var start = reverse ? end - 1 : first;
        var step = reverse ? -1 : 1;
        var pass = new Pass(
            a.At(start, head), step * a.TokenStride, b.At(start, head), step * b.TokenStride, c.At(start, head), step * c.TokenStride,
            o.At(start, head), step * o.TokenStride, D, end - first, decay, state);
        var columns = Math.Min(2 * lanes, D - column);
        while (columns > 0)
        {
            var done = Isa.Path switch
            {
                IsaPath.V512 when columns >= 32 => pass.Two<F32x16>(column),
                IsaPath.V512 when columns >= 16 => pass.One<F32x16>(column),
                IsaPath.V256 when columns >= 16 => pass.Two<F32x8>(column),
                not IsaPath.Scalar when columns >= 8 => pass.One<F32x8>(column),
                _ => pass.One<F32x1>(column),
            };
            (column, columns) = (column + done, columns - done);
        }
    }

    private readonly unsafe struct Pass(
        float* a, nint strideA, float* b, nint strideB, float* c, nint strideC, float* o, nint strideOut, int D, int tokens, float decay, float* state)
    {
        /// <summary>Two vectors of columns; four tokens share one load and store of the state.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public int Two<TVector>(int column)
            where TVector : struct, ISimd<TVector>
        {
            new Span<float>(state, 2 * D * TVector.Lanes).Clear();
            var lam = TVector.Broadcast(decay);
            float* pa = a, pb = b + column, pc = c, po = o + column;
            var t = 0;
            for (; t <= tokens - 4; t += 4)
            {
                float* a1 = pa + strideA, a2 = a1 + strideA, a3 = a2 + strideA, c1 = pc + strideC, c2 = c1 + strideC, c3 = c2 + strideC;
                TVector u0 = TVector.Load(pb), v0 = TVector.Load(pb + TVector.Lanes), u1 = TVector.Load(pb += strideB), v1 = TVector.Load(pb + TVector.Lanes);
                TVector u2 = TVector.Load(pb += strideB), v2 = TVector.Load(pb + TVector.Lanes), u3 = TVector.Load(pb += strideB), v3 = TVector.Load(pb + TVector.Lanes);
                TVector p0 = TVector.Zero, p1 = p0, p2 = p0, p3 = p0, q0 = p0, q1 = p0, q2 = p0, q3 = p0;
                for (var i = 0; i < D; i++)
                {
                    var row = state + (2 * i * TVector.Lanes);
                    var x = TVector.Broadcast(pa[i]);
                    TVector s = TVector.Fma(x, u0, TVector.Load(row) * lam), r = TVector.Fma(x, v0, TVector.Load(row + TVector.Lanes) * lam);
                    x = TVector.Broadcast(pc[i]);
                    (p0, q0) = (TVector.Fma(x, s, p0), TVector.Fma(x, r, q0));
                    x = TVector.Broadcast(a1[i]);
                    (s, r) = (TVector.Fma(x, u1, s * lam), TVector.Fma(x, v1, r * lam));
                    x = TVector.Broadcast(c1[i]);
                    (p1, q1) = (TVector.Fma(x, s, p1), TVector.Fma(x, r, q1));
                    x = TVector.Broadcast(a2[i]);
                    (s, r) = (TVector.Fma(x, u2, s * lam), TVector.Fma(x, v2, r * lam));
                    x = TVector.Broadcast(c2[i]);
                    (p2, q2) = (TVector.Fma(x, s, p2), TVector.Fma(x, r, q2));
                    x = TVector.Broadcast(a3[i]);
                    (s, r) = (TVector.Fma(x, u3, s * lam), TVector.Fma(x, v3, r * lam));
                    x = TVector.Broadcast(c3[i]);
                    (p3, q3) = (TVector.Fma(x, s, p3), TVector.Fma(x, r, q3));
                    s.Store(row);
                    r.Store(row + TVector.Lanes);
                }

                Store(p0, q0, po);
                Store(p1, q1, po += strideOut);
                Store(p2, q2, po += strideOut);
                Store(p3, q3, po += strideOut);
                pa = a3 + strideA;
                pb += strideB;
                pc = c3 + strideC;
                po += strideOut;
            }

            for (; t < tokens; t++, pa += strideA, pb += strideB, pc += strideC, po += strideOut)
            {
                Step<TVector>(pa, pb, pc, po, state, 2 * TVector.Lanes);
                Step<TVector>(pa, pb + TVector.Lanes, pc, po + TVector.Lanes, state + TVector.Lanes, 2 * TVector.Lanes);
            }

            return 2 * TVector.Lanes;
        }

        /// <summary>One vector of columns, token by token.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public int One<TVector>(int column)
            where TVector : struct, ISimd<TVector>
        {
            new Span<float>(state, D * TVector.Lanes).Clear();
            float* pa = a, pb = b + column, pc = c, po = o + column;
            for (var t = 0; t < tokens; t++, pa += strideA, pb += strideB, pc += strideC, po += strideOut)
            {
                Step<TVector>(pa, pb, pc, po, state, TVector.Lanes);
            }

            return TVector.Lanes;
        }

        private void Step<TVector>(float* pa, float* pb, float* pc, float* po, float* rows, int rowLength)
            where TVector : struct, ISimd<TVector>
        {
            var (lam, v, sum) = (TVector.Broadcast(decay), TVector.Load(pb), TVector.Zero);
            for (var i = 0; i < D; i++, rows += rowLength)
            {
                var s = TVector.Fma(TVector.Broadcast(pa[i]), v, TVector.Load(rows) * lam);
                s.Store(rows);
                sum = TVector.Fma(TVector.Broadcast(pc[i]), s, sum);
            }

            sum.Store(po);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store<TVector>(TVector first, TVector second, float* o)
            where TVector : struct, ISimd<TVector>
        {
            first.Store(o);
            second.Store(o + TVector.Lanes);
        }
    }
}
