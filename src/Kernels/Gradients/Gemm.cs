using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// C[M, N] (+)= A[M, K] · B[K, N] of one thread in f32. A has any two strides, so a transposed A costs nothing; B is packed
/// into panels [N / Width][K][Width] whose last one is filled up with zeros.
/// </summary>
internal static unsafe class Gemm
{
    /// <summary>Rows of one tile.</summary>
    public const int TileRows = 6;

    // Of k in one sweep: a panel of this depth stays in the first or second cache.
    private const int BlockK = 512;

    /// <summary>Columns of one panel.</summary>
    public static int Width<TVector>()
        where TVector : struct, ISimd<TVector> => 2 * TVector.Lanes;

    /// <summary>Floats that a packed B takes.</summary>
    public static int PackedLength<TVector>(int K, int N)
        where TVector : struct, ISimd<TVector> => checked((N + Width<TVector>() - 1) / Width<TVector>() * Width<TVector>() * K);

    /// <summary>Packs one panel of B from <paramref name="source"/>, where B[k, n] = source[k * strideK + n * strideN].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack<TVector>(float* source, nint strideK, nint strideN, int K, int N, int panel, float* packed, bool roundToBf16)
        where TVector : struct, ISimd<TVector>
    {
        var width = Width<TVector>();
        var first = panel * width;
        var columns = Math.Min(width, N - first);
        source += first * strideN;
        packed += (nint)panel * K * width;
        if (strideN == 1 && columns == width)
        {
            for (var k = 0; k < K; k++)
            {
                TVector.Load(source + (k * strideK)).Store(packed + ((nint)k * width));
                TVector.Load(source + (k * strideK) + TVector.Lanes).Store(packed + ((nint)k * width) + TVector.Lanes);
            }
        }
        else
        {
            for (var j = 0; j < width; j++)
            {
                var column = source + (j * strideN);
                for (var k = 0; k < K; k++)
                {
                    packed[((nint)k * width) + j] = j < columns ? column[k * strideK] : 0;
                }
            }
        }

        if (roundToBf16)
        {
            BFloat16Bits.Round(new Span<float>(packed, K * width));
        }
    }

    /// <summary>The product. <paramref name="add"/>: onto what C holds. Each element sums over k in order, so tiling never changes it.</summary>
    public static void Multiply<TVector>(
        float* a, nint strideM, nint strideK, float* packed, float* c, nint strideC, int M, int N, int K, bool add)
        where TVector : struct, ISimd<TVector>
    {
        var width = Width<TVector>();
        var tile = stackalloc float[TileRows * width];
        for (var k0 = 0; k0 < K; k0 += BlockK)
        {
            var depth = Math.Min(BlockK, K - k0);
            var accumulate = add || k0 > 0;
            for (var n = 0; n < N; n += width)
            {
                var panel = packed + ((nint)n * K) + ((nint)k0 * width);
                for (var m = 0; m < M; m += TileRows)
                {
                    var rowsA = a + (m * strideM) + (k0 * strideK);
                    var target = c + (m * strideC) + n;
                    if (M - m >= TileRows && N - n >= width)
                    {
                        Tile<TVector>(rowsA, strideM, strideK, TileRows, panel, target, strideC, depth, accumulate);
                    }
                    else
                    {
                        var (rows, columns) = (Math.Min(TileRows, M - m), Math.Min(width, N - n));
                        Tile<TVector>(rowsA, strideM, strideK, rows, panel, tile, width, depth, add: false);
                        Merge(tile, width, target, strideC, rows, columns, accumulate);
                    }
                }
            }
        }
    }

    private static void Merge(float* tile, int width, float* c, nint strideC, int rows, int columns, bool add)
    {
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                c[(i * strideC) + j] = tile[(i * width) + j] + (add ? c[(i * strideC) + j] : 0);
            }
        }
    }

    /// <summary>Six rows by two vectors. Rows beyond <paramref name="rows"/> repeat the last one; the caller drops them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TVector>(
        float* a, nint strideM, nint strideK, int rows, float* b, float* c, nint strideC, int K, bool add)
        where TVector : struct, ISimd<TVector>
    {
        float* a1 = a + (Math.Min(1, rows - 1) * strideM), a2 = a + (Math.Min(2, rows - 1) * strideM), a3 = a + (Math.Min(3, rows - 1) * strideM);
        float* a4 = a + (Math.Min(4, rows - 1) * strideM), a5 = a + (Math.Min(5, rows - 1) * strideM);
        TVector p0 = TVector.Zero, p1 = p0, p2 = p0, p3 = p0, p4 = p0, p5 = p0, q0 = p0, q1 = p0, q2 = p0, q3 = p0, q4 = p0, q5 = p0;
        for (nint k = 0, end = K * strideK; k < end; k += strideK, b += 2 * TVector.Lanes)
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

        End(p0, q0, c, add);
        End(p1, q1, c += strideC, add);
        End(p2, q2, c += strideC, add);
        End(p3, q3, c += strideC, add);
        End(p4, q4, c += strideC, add);
        End(p5, q5, c + strideC, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End<TVector>(TVector first, TVector second, float* c, bool add)
        where TVector : struct, ISimd<TVector>
    {
        (add ? TVector.Load(c) + first : first).Store(c);
        (add ? TVector.Load(c + TVector.Lanes) + second : second).Store(c + TVector.Lanes);
    }
}
