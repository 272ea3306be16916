using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Small dense products C[M, N] = (C +) A[M, K] · B[K, N] of one thread, all row-major f32 with strides: the inner step of both attentions.
/// N is a multiple of 16. Each output accumulates over k in order, so it gets the same bits in every tiling.
/// </summary>
internal static unsafe class TileMatMul
{
    private const int TileRows = 6;

    /// <summary>Widths of B and C are padded to a multiple of this.</summary>
    public const int Alignment = 16;

    public static int Pad(int n) => (n + Alignment - 1) / Alignment * Alignment;

    public static void Multiply<TVector>(float* a, int strideA, float* b, int strideB, float* c, int strideC, int M, int K, int N, bool add)
        where TVector : struct, ISimd<TVector>
    {
        var step = 2 * TVector.Lanes;
        for (var m = 0; m < M;)
        {
            var six = M - m >= TileRows;
            float* rowA = a + ((nint)m * strideA), rowC = c + ((nint)m * strideC);
            var n = 0;
            for (; n <= N - step; n += step)
            {
                if (six)
                {
                    Tile6x2<TVector>(rowA, strideA, b + n, strideB, rowC + n, strideC, K, add);
                }
                else
                {
                    Tile1x2<TVector>(rowA, b + n, strideB, rowC + n, K, add);
                }
            }

            for (; n < N; n += TVector.Lanes)
            {
                for (var i = 0; i < (six ? TileRows : 1); i++)
                {
                    Tile1x1<TVector>(rowA + ((nint)i * strideA), b + n, strideB, rowC + ((nint)i * strideC) + n, K, add);
                }
            }

            m += six ? TileRows : 1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x2<TVector>(float* a, int strideA, float* b, int strideB, float* c, int strideC, int K, bool add)
        where TVector : struct, ISimd<TVector>
    {
        float* a1 = a + strideA, a2 = a1 + strideA, a3 = a2 + strideA, a4 = a3 + strideA, a5 = a4 + strideA;
        float* c1 = c + strideC, c2 = c1 + strideC, c3 = c2 + strideC, c4 = c3 + strideC, c5 = c4 + strideC;
        TVector p0 = Start<TVector>(c, 0, add), p1 = Start<TVector>(c1, 0, add), p2 = Start<TVector>(c2, 0, add);
        TVector p3 = Start<TVector>(c3, 0, add), p4 = Start<TVector>(c4, 0, add), p5 = Start<TVector>(c5, 0, add);
        TVector q0 = Start<TVector>(c, 1, add), q1 = Start<TVector>(c1, 1, add), q2 = Start<TVector>(c2, 1, add);
        TVector q3 = Start<TVector>(c3, 1, add), q4 = Start<TVector>(c4, 1, add), q5 = Start<TVector>(c5, 1, add);
        for (var k = 0; k < K; k++, b += strideB)
        {
            TVector u = TVector.Load(b), v = TVector.Load(b + TVector.Lanes);
            var s = TVector.Broadcast(a[k]);
            (p0, q0) = (TVector.Fma(s, u, p0), TVector.Fma(s, v, q0));
            s = TVector.Broadcast(a1[k]);
            (p1, q1) = (TVector.Fma(s, u, p1), TVector.Fma(s, v, q1));
            s = TVector.Broadcast(a2[k]);
            (p2, q2) = (TVector.Fma(s, u, p2), TVector.Fma(s, v, q2));
            s = TVector.Broadcast(a3[k]);
            (p3, q3) = (TVector.Fma(s, u, p3), TVector.Fma(s, v, q3));
            s = TVector.Broadcast(a4[k]);
            (p4, q4) = (TVector.Fma(s, u, p4), TVector.Fma(s, v, q4));
            s = TVector.Broadcast(a5[k]);
            (p5, q5) = (TVector.Fma(s, u, p5), TVector.Fma(s, v, q5));
        }

        End(p0, q0, c);
        End(p1, q1, c1);
        End(p2, q2, c2);
        End(p3, q3, c3);
        End(p4, q4, c4);
        End(p5, q5, c5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x2<TVector>(float* a, float* b, int strideB, float* c, int K, bool add)
        where TVector : struct, ISimd<TVector>
    {
        TVector p = Start<TVector>(c, 0, add), q = Start<TVector>(c, 1, add);
        for (var k = 0; k < K; k++, b += strideB)
        {
            var s = TVector.Broadcast(a[k]);
            p = TVector.Fma(s, TVector.Load(b), p);
            q = TVector.Fma(s, TVector.Load(b + TVector.Lanes), q);
        }

        End(p, q, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x1<TVector>(float* a, float* b, int strideB, float* c, int K, bool add)
        where TVector : struct, ISimd<TVector>
    {
        var p = Start<TVector>(c, 0, add);
        for (var k = 0; k < K; k++, b += strideB)
        {
            p = TVector.Fma(TVector.Broadcast(a[k]), TVector.Load(b), p);
        }

        p.Store(c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Start<TVector>(float* c, int vector, bool add)
        where TVector : struct, ISimd<TVector> => add ? TVector.Load(c + (vector * TVector.Lanes)) : TVector.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End<TVector>(TVector first, TVector second, float* c)
        where TVector : struct, ISimd<TVector>
    {
        first.Store(c);
        second.Store(c + TVector.Lanes);
    }
}
