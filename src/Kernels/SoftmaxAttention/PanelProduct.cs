using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// C[M, 32] (+)= A[M, K] · panel[K, 32] of one thread: the inner step of softmax attention over stored keys and values.
/// Each output accumulates over k in order, so it gets the same bits in every tiling and for every number of rows.
/// </summary>
/// <typeparam name="TVector">Vector of the path.</typeparam>
/// <typeparam name="TFormat">Format of the panel.</typeparam>
internal static unsafe class PanelProduct<TVector, TFormat>
    where TVector : struct, ISimd<TVector>
    where TFormat : struct, IKeyValueFormat
{
    private const int Columns = KeyValuePages.PanelColumns;

    // Reading ahead crosses the 4 KB pages at which the hardware prefetchers stop.
    private const int PrefetchBytes = 2048;

    /// <summary>A panel that more than one tile of rows reads is first widened, or copied nearer, into <paramref name="widened"/> [K, 32].</summary>
    public static void Multiply(float* a, int strideA, byte* panel, float* widened, float* c, int strideC, int M, int K, bool add)
    {
        if (M > 8)
        {
            Widen(panel, widened, K * Columns);
            PanelProduct<TVector, F32KeyValues>.Rows(a, strideA, (byte*)widened, c, strideC, M, K, add);
        }
        else
        {
            Rows(a, strideA, panel, c, strideC, M, K, add);
        }
    }

    private static void Rows(float* a, int strideA, byte* panel, float* c, int strideC, int M, int K, bool add)
    {
        var m = 0;
        if (TVector.Lanes == 16) // 16 accumulators need the 32 registers of the 512-bit path.
        {
            for (; m <= M - 8; m += 8)
            {
                Tile8x2(a + ((nint)m * strideA), strideA, panel, c + ((nint)m * strideC), strideC, K, add);
            }
        }

        for (; m <= M - 4; m += 4)
        {
            for (var n = 0; n < Columns; n += 2 * TVector.Lanes)
            {
                Tile4x2(a + ((nint)m * strideA), strideA, panel + (n * TFormat.ElementBytes), c + ((nint)m * strideC) + n, strideC, K, add);
            }
        }

        for (; m < M; m++)
        {
            for (var n = 0; n < Columns; n += 2 * TVector.Lanes)
            {
                Tile1x2(a + ((nint)m * strideA), panel + (n * TFormat.ElementBytes), c + ((nint)m * strideC) + n, K, add);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(byte* panel, float* widened, int count)
    {
        for (var i = 0; i < count; i += TVector.Lanes)
        {
            TFormat.Load<TVector>(panel + (i * TFormat.ElementBytes)).Store(widened + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x2(float* a, int strideA, byte* panel, float* c, int strideC, int K, bool add)
    {
        float* a1 = a + strideA, a2 = a1 + strideA, a3 = a2 + strideA, a4 = a3 + strideA, a5 = a4 + strideA, a6 = a5 + strideA, a7 = a6 + strideA;
        float* c1 = c + strideC, c2 = c1 + strideC, c3 = c2 + strideC, c4 = c3 + strideC, c5 = c4 + strideC, c6 = c5 + strideC, c7 = c6 + strideC;
        TVector p0 = Start(c, 0, add), p1 = Start(c1, 0, add), p2 = Start(c2, 0, add), p3 = Start(c3, 0, add);
        TVector p4 = Start(c4, 0, add), p5 = Start(c5, 0, add), p6 = Start(c6, 0, add), p7 = Start(c7, 0, add);
        TVector q0 = Start(c, 1, add), q1 = Start(c1, 1, add), q2 = Start(c2, 1, add), q3 = Start(c3, 1, add);
        TVector q4 = Start(c4, 1, add), q5 = Start(c5, 1, add), q6 = Start(c6, 1, add), q7 = Start(c7, 1, add);
        for (var k = 0; k < K; k++, panel += Columns * TFormat.ElementBytes)
        {
            Prefetch(panel);
            TVector u = TFormat.Load<TVector>(panel), v = TFormat.Load<TVector>(panel + (TVector.Lanes * TFormat.ElementBytes));
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
            s = TVector.Broadcast(a6[k]);
            (p6, q6) = (TVector.Fma(s, u, p6), TVector.Fma(s, v, q6));
            s = TVector.Broadcast(a7[k]);
            (p7, q7) = (TVector.Fma(s, u, p7), TVector.Fma(s, v, q7));
        }

        End(p0, q0, c);
        End(p1, q1, c1);
        End(p2, q2, c2);
        End(p3, q3, c3);
        End(p4, q4, c4);
        End(p5, q5, c5);
        End(p6, q6, c6);
        End(p7, q7, c7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x2(float* a, int strideA, byte* panel, float* c, int strideC, int K, bool add)
    {
        float* a1 = a + strideA, a2 = a1 + strideA, a3 = a2 + strideA;
        float* c1 = c + strideC, c2 = c1 + strideC, c3 = c2 + strideC;
        TVector p0 = Start(c, 0, add), p1 = Start(c1, 0, add), p2 = Start(c2, 0, add), p3 = Start(c3, 0, add);
        TVector q0 = Start(c, 1, add), q1 = Start(c1, 1, add), q2 = Start(c2, 1, add), q3 = Start(c3, 1, add);
        for (var k = 0; k < K; k++, panel += Columns * TFormat.ElementBytes)
        {
            Prefetch(panel);
            TVector u = TFormat.Load<TVector>(panel), v = TFormat.Load<TVector>(panel + (TVector.Lanes * TFormat.ElementBytes));
            var s = TVector.Broadcast(a[k]);
            (p0, q0) = (TVector.Fma(s, u, p0), TVector.Fma(s, v, q0));
            s = TVector.Broadcast(a1[k]);
            (p1, q1) = (TVector.Fma(s, u, p1), TVector.Fma(s, v, q1));
            s = TVector.Broadcast(a2[k]);
            (p2, q2) = (TVector.Fma(s, u, p2), TVector.Fma(s, v, q2));
            s = TVector.Broadcast(a3[k]);
            (p3, q3) = (TVector.Fma(s, u, p3), TVector.Fma(s, v, q3));
        }

        End(p0, q0, c);
        End(p1, q1, c1);
        End(p2, q2, c2);
        End(p3, q3, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x2(float* a, byte* panel, float* c, int K, bool add)
    {
        TVector p = Start(c, 0, add), q = Start(c, 1, add);
        for (var k = 0; k < K; k++, panel += Columns * TFormat.ElementBytes)
        {
            var s = TVector.Broadcast(a[k]);
            p = TVector.Fma(s, TFormat.Load<TVector>(panel), p);
            q = TVector.Fma(s, TFormat.Load<TVector>(panel + (TVector.Lanes * TFormat.ElementBytes)), q);
        }

        End(p, q, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* panel)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(panel + PrefetchBytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Start(float* c, int vector, bool add) => add ? TVector.Load(c + (vector * TVector.Lanes)) : TVector.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(TVector first, TVector second, float* c)
    {
        first.Store(c);
        second.Store(c + TVector.Lanes);
    }
}
