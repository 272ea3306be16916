using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

public static unsafe partial class MatMul
{
    private const int TileTokens = 6;
    private const int HalfTileTokens = 3;
    private const int TileRows = 4;

    /// <summary>y[:, n0 … n0 + BlockN) of one job. With several tokens, 16-bit weights are widened once into scratch.</summary>
    private static void MultiplyBlock<TVector, TFormat>(in MatMulJob job, int n0, ComputePool pool, int worker)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        var (N, K) = (job.Weight.Rows, job.Weight.Columns);
        var rows = Math.Min(BlockN, N - n0);
        var rowBytes = (nint)K * job.Weight.DType.ByteSize();
        var weights = job.Weight.Data + (n0 * rowBytes);
        var x = job.X;
        var y = job.Y + n0;
        if (job.Tokens == 1)
        {
            var tiled = WideningKernels.For(job.Weight) is { } emitted ? MultiplyOne(emitted, weights, rowBytes, x, y, rows, K) : 0;
            MultiplyOne<TVector, TFormat>(weights + (tiled * rowBytes), rowBytes, x, y + tiled, rows - tiled, K);
            return;
        }

        var widen = !TFormat.IsF32;
        var widened = widen ? pool.Scratch(worker, BlockN * BlockK) : null;
        for (var k0 = 0; k0 < K; k0 += BlockK)
        {
            var k = Math.Min(BlockK, K - k0);
            if (widen)
            {
                Widen<TVector, TFormat>(weights, rowBytes, k0, rows, k, widened);
                MultiplyPanel<TVector, F32Format>((byte*)widened, BlockK * sizeof(float), x + k0, K, y, N, rows, job.Tokens, k, k0 > 0);
            }
            else
            {
                var bytes = (nint)k0 * job.Weight.DType.ByteSize();
                MultiplyPanel<TVector, TFormat>(weights + bytes, rowBytes, x + k0, K, y, N, rows, job.Tokens, k, k0 > 0);
            }
        }
    }

    /// <summary>One token, whole tiles; returns the rows that they cover.</summary>
    private static int MultiplyOne(WideningKernels emitted, byte* weights, nint rowBytes, float* x, float* y, int rows, int K)
    {
        var n = 0;
        for (; n <= rows - WideningKernels.Rows; n += WideningKernels.Rows)
        {
            emitted.Multiply(weights + (n * rowBytes), x, y + n, K, BlockK);
        }

        return n;
    }

    /// <summary>One token: rows are read in whole, in the order of memory, with the blocks of k and so the bits of many tokens.</summary>
    private static void MultiplyOne<TVector, TFormat>(byte* weights, nint rowBytes, float* x, float* y, int rows, int K)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        for (var n = 0; n < rows; n += 8)
        {
            for (var k0 = 0; k0 < K; k0 += BlockK)
            {
                var bytes = (n * rowBytes) + (k0 * (rowBytes / K));
                OneToken<TVector, TFormat>(weights + bytes, rowBytes, x + k0, y + n, 0, Math.Min(8, rows - n), Math.Min(BlockK, K - k0), k0 > 0);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TVector, TFormat>(byte* weights, nint rowBytes, int k0, int rows, int count, float* widened)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        for (var n = 0; n < rows; n++)
        {
            var row = weights + (n * rowBytes);
            var target = widened + (n * BlockK);
            var k = 0;
            for (; k <= count - TVector.Lanes; k += TVector.Lanes)
            {
                TFormat.Load<TVector>(row, k0 + k).Store(target + k);
            }

            for (; k < count; k++)
            {
                target[k] = TFormat.Load(row, k0 + k);
            }
        }
    }

    /// <summary>y[t, n] (+)= Σ_k x[t, k] W[n, k] over one block of k. Token tiles stay in L1 while the rows stream past.</summary>
    private static void MultiplyPanel<TVector, TFormat>(
        byte* w, nint rowBytes, float* x, int strideX, float* y, int strideY, int rows, int tokens, int k, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        var t = 0;
        for (; t <= tokens - TileTokens; t += TileTokens)
        {
            var n = 0;
            for (; n <= rows - TileRows; n += TileRows)
            {
                Tile4x6<TVector, TFormat>(w + (n * rowBytes), rowBytes, x + ((nint)t * strideX), strideX, y + ((nint)t * strideY) + n, strideY, k, add);
            }

            for (var s = t; s < t + TileTokens; s++)
            {
                OneToken<TVector, TFormat>(w, rowBytes, x + ((nint)s * strideX), y + ((nint)s * strideY), n, rows, k, add);
            }
        }

        if (t <= tokens - HalfTileTokens)
        {
            var n = 0;
            for (; n <= rows - TileRows; n += TileRows)
            {
                Tile4x3<TVector, TFormat>(w + (n * rowBytes), rowBytes, x + ((nint)t * strideX), strideX, y + ((nint)t * strideY) + n, strideY, k, add);
            }

            for (var end = t + HalfTileTokens; t < end; t++)
            {
                OneToken<TVector, TFormat>(w, rowBytes, x + ((nint)t * strideX), y + ((nint)t * strideY), n, rows, k, add);
            }
        }

        for (; t < tokens; t++)
        {
            OneToken<TVector, TFormat>(w, rowBytes, x + ((nint)t * strideX), y + ((nint)t * strideY), 0, rows, k, add);
        }
    }

    private static void OneToken<TVector, TFormat>(byte* w, nint rowBytes, float* x, float* y, int n, int rows, int k, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        for (; n <= rows - 8; n += 8)
        {
            Tile8x1<TVector, TFormat>(w + (n * rowBytes), rowBytes, x, y + n, k, add);
        }

        for (; n < rows; n++)
        {
            Tile1x1<TVector, TFormat>(w + (n * rowBytes), x, y + n, k, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1x1<TVector, TFormat>(byte* w, float* x, float* y, int K, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        var sum = TVector.Zero;
        var k = 0;
        for (; k <= K - TVector.Lanes; k += TVector.Lanes)
        {
            sum = TVector.Fma(TVector.Load(x + k), TFormat.Load<TVector>(w, k), sum);
        }

        Finish<TVector, TFormat>(sum, w, x, y, k, K, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x1<TVector, TFormat>(byte* w, nint rowBytes, float* x, float* y, int K, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes, w4 = w3 + rowBytes, w5 = w4 + rowBytes, w6 = w5 + rowBytes, w7 = w6 + rowBytes;
        TVector s0 = TVector.Zero, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        var k = 0;
        for (; k <= K - TVector.Lanes; k += TVector.Lanes)
        {
            if (!TFormat.IsF32 && k % 32 == 0)
            {
                PrefetchRows(w7 + rowBytes + (2 * k), rowBytes);
            }

            var v = TVector.Load(x + k);
            s0 = TVector.Fma(v, TFormat.Load<TVector>(w, k), s0);
            s1 = TVector.Fma(v, TFormat.Load<TVector>(w1, k), s1);
            s2 = TVector.Fma(v, TFormat.Load<TVector>(w2, k), s2);
            s3 = TVector.Fma(v, TFormat.Load<TVector>(w3, k), s3);
            s4 = TVector.Fma(v, TFormat.Load<TVector>(w4, k), s4);
            s5 = TVector.Fma(v, TFormat.Load<TVector>(w5, k), s5);
            s6 = TVector.Fma(v, TFormat.Load<TVector>(w6, k), s6);
            s7 = TVector.Fma(v, TFormat.Load<TVector>(w7, k), s7);
        }

        FinishRow<TVector, TFormat>(s0, s1, s2, s3, w, rowBytes, x, y, k, K, add);
        FinishRow<TVector, TFormat>(s4, s5, s6, s7, w4, rowBytes, x, y + 4, k, K, add);
    }

    /// <summary>Brings one line of each of eight rows near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchRows(byte* row, nint rowBytes)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(row);
            Sse.Prefetch1(row + rowBytes);
            Sse.Prefetch1(row + (2 * rowBytes));
            Sse.Prefetch1(row + (3 * rowBytes));
            row += 4 * rowBytes;
            Sse.Prefetch1(row);
            Sse.Prefetch1(row + rowBytes);
            Sse.Prefetch1(row + (2 * rowBytes));
            Sse.Prefetch1(row + (3 * rowBytes));
        }
    }

    /// <summary>Four rows by six tokens: 24 accumulators, ten loads for 24 multiply-adds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x6<TVector, TFormat>(byte* w, nint rowBytes, float* x, int strideX, float* y, int strideY, int K, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* x1 = x + strideX, x2 = x1 + strideX, x3 = x2 + strideX, x4 = x3 + strideX, x5 = x4 + strideX;
        TVector a0 = TVector.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
        TVector d0 = a0, d1 = a0, d2 = a0, d3 = a0, e0 = a0, e1 = a0, e2 = a0, e3 = a0, f0 = a0, f1 = a0, f2 = a0, f3 = a0;
        var k = 0;
        for (; k <= K - TVector.Lanes; k += TVector.Lanes)
        {
            TVector r0 = TFormat.Load<TVector>(w, k), r1 = TFormat.Load<TVector>(w1, k), r2 = TFormat.Load<TVector>(w2, k), r3 = TFormat.Load<TVector>(w3, k);
            var v = TVector.Load(x + k);
            (a0, a1, a2, a3) = (TVector.Fma(v, r0, a0), TVector.Fma(v, r1, a1), TVector.Fma(v, r2, a2), TVector.Fma(v, r3, a3));
            v = TVector.Load(x1 + k);
            (b0, b1, b2, b3) = (TVector.Fma(v, r0, b0), TVector.Fma(v, r1, b1), TVector.Fma(v, r2, b2), TVector.Fma(v, r3, b3));
            v = TVector.Load(x2 + k);
            (c0, c1, c2, c3) = (TVector.Fma(v, r0, c0), TVector.Fma(v, r1, c1), TVector.Fma(v, r2, c2), TVector.Fma(v, r3, c3));
            v = TVector.Load(x3 + k);
            (d0, d1, d2, d3) = (TVector.Fma(v, r0, d0), TVector.Fma(v, r1, d1), TVector.Fma(v, r2, d2), TVector.Fma(v, r3, d3));
            v = TVector.Load(x4 + k);
            (e0, e1, e2, e3) = (TVector.Fma(v, r0, e0), TVector.Fma(v, r1, e1), TVector.Fma(v, r2, e2), TVector.Fma(v, r3, e3));
            v = TVector.Load(x5 + k);
            (f0, f1, f2, f3) = (TVector.Fma(v, r0, f0), TVector.Fma(v, r1, f1), TVector.Fma(v, r2, f2), TVector.Fma(v, r3, f3));
        }

        FinishRow<TVector, TFormat>(a0, a1, a2, a3, w, rowBytes, x, y, k, K, add);
        FinishRow<TVector, TFormat>(b0, b1, b2, b3, w, rowBytes, x1, y += strideY, k, K, add);
        FinishRow<TVector, TFormat>(c0, c1, c2, c3, w, rowBytes, x2, y += strideY, k, K, add);
        FinishRow<TVector, TFormat>(d0, d1, d2, d3, w, rowBytes, x3, y += strideY, k, K, add);
        FinishRow<TVector, TFormat>(e0, e1, e2, e3, w, rowBytes, x4, y += strideY, k, K, add);
        FinishRow<TVector, TFormat>(f0, f1, f2, f3, w, rowBytes, x5, y + strideY, k, K, add);
    }

    /// <summary>Four rows by three tokens, for what six do not divide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x3<TVector, TFormat>(byte* w, nint rowBytes, float* x, int strideX, float* y, int strideY, int K, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* x1 = x + strideX, x2 = x1 + strideX;
        TVector a0 = TVector.Zero, a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
        var k = 0;
        for (; k <= K - TVector.Lanes; k += TVector.Lanes)
        {
            TVector r0 = TFormat.Load<TVector>(w, k), r1 = TFormat.Load<TVector>(w1, k), r2 = TFormat.Load<TVector>(w2, k), r3 = TFormat.Load<TVector>(w3, k);
            var v = TVector.Load(x + k);
            (a0, a1, a2, a3) = (TVector.Fma(v, r0, a0), TVector.Fma(v, r1, a1), TVector.Fma(v, r2, a2), TVector.Fma(v, r3, a3));
            v = TVector.Load(x1 + k);
            (b0, b1, b2, b3) = (TVector.Fma(v, r0, b0), TVector.Fma(v, r1, b1), TVector.Fma(v, r2, b2), TVector.Fma(v, r3, b3));
            v = TVector.Load(x2 + k);
            (c0, c1, c2, c3) = (TVector.Fma(v, r0, c0), TVector.Fma(v, r1, c1), TVector.Fma(v, r2, c2), TVector.Fma(v, r3, c3));
        }

        FinishRow<TVector, TFormat>(a0, a1, a2, a3, w, rowBytes, x, y, k, K, add);
        FinishRow<TVector, TFormat>(b0, b1, b2, b3, w, rowBytes, x1, y += strideY, k, K, add);
        FinishRow<TVector, TFormat>(c0, c1, c2, c3, w, rowBytes, x2, y + strideY, k, K, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishRow<TVector, TFormat>(
        TVector s0, TVector s1, TVector s2, TVector s3, byte* w, nint rowBytes, float* x, float* y, int k, int K, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        if (k == K)
        {
            var sums = TVector.Sum(s0, s1, s2, s3);
            (add ? Vector128.Load(y) + sums : sums).Store(y);
            return;
        }

        Finish<TVector, TFormat>(s0, w, x, y, k, K, add);
        Finish<TVector, TFormat>(s1, w + rowBytes, x, y + 1, k, K, add);
        Finish<TVector, TFormat>(s2, w + (2 * rowBytes), x, y + 2, k, K, add);
        Finish<TVector, TFormat>(s3, w + (3 * rowBytes), x, y + 3, k, K, add);
    }

    /// <summary>Reduces one accumulator and adds the features that fill no whole vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TVector, TFormat>(TVector sum, byte* w, float* x, float* y, int k, int K, bool add)
        where TVector : struct, ISimd<TVector>
        where TFormat : struct, IWeightFormat
    {
        var total = sum.Sum();
        for (; k < K; k++)
        {
            total = MathF.FusedMultiplyAdd(x[k], TFormat.Load(w, k), total);
        }

        *y = add ? *y + total : total;
    }
}
