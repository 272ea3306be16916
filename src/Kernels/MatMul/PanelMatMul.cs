using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Products of int8 inputs with packed panels: y = Σ over blocks of (Σ q_x q_w) · (d_w d_x), one fused multiply-add a block in the order of k.
/// The sums of a block are exact integers, so all paths and all batches give the same bits.
/// </summary>
internal static unsafe class PanelMatMul
{
    private const int PrefetchDistance = 8192;

    private interface IPanelFormat
    {
        static abstract int GroupPairBytes { get; }

        /// <summary>What is added to each weight to store it unsigned.</summary>
        static abstract int Offset { get; }

        /// <summary>Groups 2p and 2p + 1: 4 features of rows 0 … 7 and 8 … 15 each, unsigned.</summary>
        static abstract void Load(byte* pair, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3);

        static abstract int Weight(byte* block, int k, int row);
    }

    /// <summary>y[t, n0 … n0 + 16) of all tokens of one job.</summary>
    public static void Multiply(in MatMulJob job, byte* tokens, int panel)
    {
        switch (job.Weight.DType)
        {
            case DType.Q8_0: Multiply<Q8_0Panel>(job, tokens, panel); break;
            case DType.Q4_0: Multiply<Q4_0Panel>(job, tokens, panel); break;
            default: SuperPanelMatMul.Multiply(job, tokens, panel); break;
        }
    }

    private static void Multiply<TFormat>(in MatMulJob job, byte* tokens, int panel)
        where TFormat : struct, IPanelFormat
    {
        var (N, K, stride) = (job.Weight.Rows, QuantizedInputs.Pad(job.Weight.Columns), QuantizedInputs.TokenBytes(job.Weight.Columns));
        var weights = job.Weight.Data + (panel * PanelLayout.PanelBytes(job.Weight.DType, K));
        var rows = Math.Min(PanelLayout.Rows, N - (panel * PanelLayout.Rows));
        var tile = stackalloc float[4 * PanelLayout.Rows];
        var vectors = Isa.Path != IsaPath.Scalar && Avx2.IsSupported;
        for (var t = 0; t < job.Tokens;)
        {
            var count = vectors && job.Tokens - t >= 4 ? 4 : 1;
            var x = tokens + (t * stride);
            if (count == 4)
            {
                Tile4<TFormat>(weights, x, stride, K, tile);
            }
            else if (vectors)
            {
                Tile1<TFormat>(weights, x, K, tile);
            }
            else
            {
                Reference<TFormat>(weights, x, K, tile);
            }

            for (var i = 0; i < count; i++, t++)
            {
                new ReadOnlySpan<float>(tile + (i * PanelLayout.Rows), rows).CopyTo(new Span<float>(job.Y + ((long)t * N) + (panel * PanelLayout.Rows), rows));
            }
        }
    }

    /// <summary>Reference twin of the tiles, and the scalar path.</summary>
    private static void Reference<TFormat>(byte* weights, byte* x, int K, float* y)
        where TFormat : struct, IPanelFormat
    {
        var stride = 64 + (8 * TFormat.GroupPairBytes);
        for (var row = 0; row < PanelLayout.Rows; row++)
        {
            y[row] = 0;
            for (var b = 0; b < K / 32; b++)
            {
                var super = weights + (b / 2 * (long)stride);
                var block = super + 64 + (b % 2 * 4 * TFormat.GroupPairBytes);
                var sum = 0;
                for (var k = 0; k < 32; k++)
                {
                    sum += ((sbyte*)x)[(32 * b) + k] * (TFormat.Weight(block, k, row) - TFormat.Offset);
                }

                var scale = (float)((Half*)super)[(b % 2 * PanelLayout.Rows) + row] * ((float*)(x + K))[b];
                y[row] = MathF.FusedMultiplyAdd(sum, scale, y[row]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1<TFormat>(byte* w, byte* x, int K, float* y)
        where TFormat : struct, IPanelFormat
    {
        Vector256<float> y0 = default, y1 = default;
        var d = (float*)(x + K);
        var sums = (int*)d + (K / 32);
        for (var b = 0; b < K / 32; b += 2, w += 64 + (8 * TFormat.GroupPairBytes))
        {
            Sse.Prefetch1(w + PrefetchDistance);
            var q = w + 64;
            for (var h = 0; h < 2; h++, x += 32)
            {
                Vector256<int> a0 = Vector256.Create(-TFormat.Offset * sums[b + h]), a1 = a0, b0 = default, b1 = default;
                for (var pair = 0; pair < 4; pair++, q += TFormat.GroupPairBytes)
                {
                    Sse.Prefetch1(q + PrefetchDistance);
                    if (TFormat.GroupPairBytes > 64)
                    {
                        Sse.Prefetch1(q + PrefetchDistance + 64);
                    }

                    TFormat.Load(q, out var w0, out var w1, out var w2, out var w3);
                    Vector256<sbyte> s = Vector256.Create(((int*)x)[2 * pair]).AsSByte(), u = Vector256.Create(((int*)x)[(2 * pair) + 1]).AsSByte();
                    (a0, a1, b0, b1) = (Dot(a0, w0, s), Dot(a1, w1, s), Dot(b0, w2, u), Dot(b1, w3, u));
                }

                Scales(w + (32 * h), out var s0, out var s1);
                Add(a0 + b0, a1 + b1, s0, s1, d[b + h], ref y0, ref y1);
            }
        }

        y0.Store(y);
        y1.Store(y + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4<TFormat>(byte* w, byte* x, long strideX, int K, float* y)
        where TFormat : struct, IPanelFormat
    {
        Vector256<float> y0 = default, y1 = y0, y2 = y0, y3 = y0, y4 = y0, y5 = y0, y6 = y0, y7 = y0;
        byte* x1 = x + strideX, x2 = x1 + strideX, x3 = x2 + strideX;
        byte* d = x + K, d1 = x1 + K, d2 = x2 + K, d3 = x3 + K;
        var sumsOffset = K / 32;
        for (var b = 0; b < K / 32; b += 2, w += 64 + (8 * TFormat.GroupPairBytes))
        {
            Sse.Prefetch1(w + PrefetchDistance);
            var q = w + 64;
            for (var h = 0; h < 2; h++, x += 32, x1 += 32, x2 += 32, x3 += 32)
            {
                var s = sumsOffset + b + h;
                Vector256<int> a0 = Vector256.Create(-TFormat.Offset * ((int*)d)[s]), a1 = a0, a2 = Vector256.Create(-TFormat.Offset * ((int*)d1)[s]), a3 = a2;
                Vector256<int> a4 = Vector256.Create(-TFormat.Offset * ((int*)d2)[s]), a5 = a4, a6 = Vector256.Create(-TFormat.Offset * ((int*)d3)[s]), a7 = a6;
                for (var pair = 0; pair < 4; pair++, q += TFormat.GroupPairBytes)
                {
                    Sse.Prefetch1(q + PrefetchDistance);
                    if (TFormat.GroupPairBytes > 64)
                    {
                        Sse.Prefetch1(q + PrefetchDistance + 64);
                    }

                    TFormat.Load(q, out var w0, out var w1, out var w2, out var w3);
                    Vector256<sbyte> u = Vector256.Create(((int*)x)[2 * pair]).AsSByte(), v = Vector256.Create(((int*)x)[(2 * pair) + 1]).AsSByte();
                    (a0, a1) = (Dot(Dot(a0, w0, u), w2, v), Dot(Dot(a1, w1, u), w3, v));
                    (u, v) = (Vector256.Create(((int*)x1)[2 * pair]).AsSByte(), Vector256.Create(((int*)x1)[(2 * pair) + 1]).AsSByte());
                    (a2, a3) = (Dot(Dot(a2, w0, u), w2, v), Dot(Dot(a3, w1, u), w3, v));
                    (u, v) = (Vector256.Create(((int*)x2)[2 * pair]).AsSByte(), Vector256.Create(((int*)x2)[(2 * pair) + 1]).AsSByte());
                    (a4, a5) = (Dot(Dot(a4, w0, u), w2, v), Dot(Dot(a5, w1, u), w3, v));
                    (u, v) = (Vector256.Create(((int*)x3)[2 * pair]).AsSByte(), Vector256.Create(((int*)x3)[(2 * pair) + 1]).AsSByte());
                    (a6, a7) = (Dot(Dot(a6, w0, u), w2, v), Dot(Dot(a7, w1, u), w3, v));
                }

                Scales(w + (32 * h), out var s0, out var s1);
                Add(a0, a1, s0, s1, ((float*)d)[b + h], ref y0, ref y1);
                Add(a2, a3, s0, s1, ((float*)d1)[b + h], ref y2, ref y3);
                Add(a4, a5, s0, s1, ((float*)d2)[b + h], ref y4, ref y5);
                Add(a6, a7, s0, s1, ((float*)d3)[b + h], ref y6, ref y7);
            }
        }

        Vector512.Create(y0, y1).Store(y);
        Vector512.Create(y2, y3).Store(y + 16);
        Vector512.Create(y4, y5).Store(y + 32);
        Vector512.Create(y6, y7).Store(y + 48);
    }

    /// <summary>Adds four products u8 × i8 to each of 8 sums. Without VNNI in two parts, w % 128 and the top bit: pairs stay within 2 · 128 · 127, where 16 bits suffice.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Dot(Vector256<int> sum, Vector256<byte> w, Vector256<sbyte> x)
    {
        if (AvxVnni.IsSupported)
        {
            return AvxVnni.MultiplyWideningAndAdd(sum, w, x);
        }

        var top = Vector256.Create((byte)0x80);
        var low = Avx2.MultiplyAddAdjacent(Avx2.AndNot(top, w), x);
        var high = Avx2.MultiplyAddAdjacent(w & top, x);
        return sum + Avx2.MultiplyAddAdjacent(low, Vector256<short>.One) + Avx2.MultiplyAddAdjacent(high, Vector256<short>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scales(byte* f16, out Vector256<float> low, out Vector256<float> high)
    {
        low = HalfBits.Widen(Avx2.ConvertToVector256Int32((ushort*)f16).AsUInt32());
        high = HalfBits.Widen(Avx2.ConvertToVector256Int32((ushort*)f16 + 8).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> a0, Vector256<int> a1, Vector256<float> s0, Vector256<float> s1, float d, ref Vector256<float> y0, ref Vector256<float> y1)
    {
        var scale = Vector256.Create(d);
        y0 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a0), s0 * scale, y0);
        y1 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a1), s1 * scale, y1);
    }

    private readonly struct Q8_0Panel : IPanelFormat
    {
        public static int GroupPairBytes => 128;

        public static int Offset => 128;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* pair, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3) =>
            (w0, w1, w2, w3) = (Vector256.Load(pair), Vector256.Load(pair + 32), Vector256.Load(pair + 64), Vector256.Load(pair + 96));

        public static int Weight(byte* block, int k, int row) => block[(k / 4 * 64) + (4 * row) + (k % 4)];
    }

    private readonly struct Q4_0Panel : IPanelFormat
    {
        public static int GroupPairBytes => 64;

        public static int Offset => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Load(byte* pair, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
        {
            var nibble = Vector256.Create((byte)15);
            Vector256<byte> low = Vector256.Load(pair), high = Vector256.Load(pair + 32);
            (w0, w1) = (low & nibble, high & nibble);
            (w2, w3) = ((low.AsUInt16() >> 4).AsByte() & nibble, (high.AsUInt16() >> 4).AsByte() & nibble);
        }

        public static int Weight(byte* block, int k, int row) => block[(k / 8 * 64) + (4 * row) + (k % 4)] >> (k / 4 % 2 * 4) & 15;
    }
}
