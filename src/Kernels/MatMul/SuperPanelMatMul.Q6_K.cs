using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// y = Σ over blocks of 32 of (Σ over their two groups of 16 of scale Σ q_x q_w) d d_x. The inner sum is an exact integer below 2^24.
/// </summary>
internal readonly unsafe struct Q6_KPanel : ISuperPanelFormat
{
    private const int PrefetchDistance = 8192;
    private const int Rows = PanelLayout.Rows;
    private const int Header = SuperPanelLayout.HeaderOfQ6_K;
    private const int GroupBytes = SuperPanelLayout.GroupOfQ6_K;
    private const int Offset = 32;

    public static int BlockBytes => Header + (8 * GroupBytes);

    public static void Reference(byte* w, byte* x, int K, float* y)
    {
        var d = (float*)(x + K);
        for (var row = 0; row < Rows; row++)
        {
            y[row] = 0;
            for (var b = 0; b < K / 32; b++)
            {
                var block = w + (b / 8 * (long)BlockBytes);
                var q = block + Header + (b % 8 * GroupBytes);
                var sum = 0;
                for (var k = 0; k < 32; k++)
                {
                    var low = q[(k / 8 * 64) + (4 * row) + (k % 4)] >> (k / 4 % 2 * 4) & 15;
                    var high = q[256 + (k / 16 * 64) + (4 * row) + (k % 4)] >> (k / 4 % 4 * 2) & 3;
                    var scale = (sbyte)block[64 + (((b % 8 * 2) + (k / 16)) * Rows) + row];
                    sum += scale * ((sbyte*)x)[(32 * b) + k] * ((low | (high << 4)) - Offset);
                }

                y[row] = MathF.FusedMultiplyAdd(sum, (float)((Half*)block)[row] * d[b], y[row]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyToken(byte* w, byte* x, int K, float* y)
    {
        Vector256<float> y0 = default, y1 = default;
        var d = (float*)(x + K);
        var sums = QuantizedInputs.HalfSums(x, K);
        for (var block = 0; block < K / 256; block++, w += BlockBytes, d += 8)
        {
            for (var line = 0; line < Header; line += 64)
            {
                Sse.Prefetch1(w + line + PrefetchDistance);
            }

            Vector256<float> d0 = SuperPanelMatMul.Halves(w), d1 = SuperPanelMatMul.Halves(w + 16);
            var q = w + Header;
            var scales = (sbyte*)(w + 64);
            for (var group = 0; group < 8; group++, q += 128)
            {
                Vector256<int> sum0 = default, sum1 = default;
                for (var half = 0; half < 2; half++, x += 16, q += 128, sums++, scales += Rows)
                {
                    var ahead = q + PrefetchDistance + (64 * half); // Half of the six lines of a group.
                    Sse.Prefetch1(ahead);
                    Sse.Prefetch1(ahead + 64);
                    Sse.Prefetch1(ahead + 128);
                    var pairs = q + 256 - (64 * half);
                    Vector256<int> a0 = Vector256.Create(-Offset * *sums), a1 = a0, b0 = default, b1 = default;
                    Values<Even>(q, pairs, out var w0, out var w1, out var w2, out var w3);
                    Vector256<sbyte> u = SuperPanelMatMul.Group(x, 0), v = SuperPanelMatMul.Group(x, 1);
                    (a0, a1) = (SuperPanelMatMul.Dot(a0, w0, u), SuperPanelMatMul.Dot(a1, w1, u));
                    (b0, b1) = (SuperPanelMatMul.Dot(b0, w2, v), SuperPanelMatMul.Dot(b1, w3, v));
                    Values<Odd>(q + 64, pairs, out w0, out w1, out w2, out w3);
                    (u, v) = (SuperPanelMatMul.Group(x, 2), SuperPanelMatMul.Group(x, 3));
                    (a0, a1) = (SuperPanelMatMul.Dot(a0, w0, u), SuperPanelMatMul.Dot(a1, w1, u));
                    (b0, b1) = (SuperPanelMatMul.Dot(b0, w2, v), SuperPanelMatMul.Dot(b1, w3, v));
                    sum0 += (a0 + b0) * Avx2.ConvertToVector256Int32(scales);
                    sum1 += (a1 + b1) * Avx2.ConvertToVector256Int32(scales + 8);
                }

                Add(sum0, sum1, d0, d1, d[group], ref y0, ref y1);
            }
        }

        y0.Store(y);
        y1.Store(y + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(byte* w, WidenedPanel target)
    {
        SuperPanelMatMul.Halves(w).Store(target.Factors);
        SuperPanelMatMul.Halves(w + 16).Store(target.Factors + 8);
        for (var i = 0; i < 256; i += 8)
        {
            Avx2.ConvertToVector256Int32((sbyte*)w + 64 + i).Store(target.IntegerScales + i);
        }

        var q = w + Header;
        var bytes = target.Weights;
        for (var half = 0; half < 16; half++, bytes += 256)
        {
            var low = q + (half / 2 * GroupBytes) + (half % 2 * 128);
            var pairs = q + (half / 2 * GroupBytes) + 256 + (half % 2 * 64);
            Sse.Prefetch1(low + PrefetchDistance);
            Sse.Prefetch1(low + PrefetchDistance + 64);
            Sse.Prefetch1(pairs + PrefetchDistance);
            Values<Even>(low, pairs, out var w0, out var w1, out var w2, out var w3);
            w0.Store(bytes);
            w1.Store(bytes + 32);
            w2.Store(bytes + 64);
            w3.Store(bytes + 96);
            Values<Odd>(low + 64, pairs, out w0, out w1, out w2, out w3);
            w0.Store(bytes + 128);
            w1.Store(bytes + 160);
            w2.Store(bytes + 192);
            w3.Store(bytes + 224);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTile(WidenedPanel widened, byte* x, byte* x1, byte* x2, byte* x3, int block, int K, float* y)
    {
        Vector256<float> y0 = Vector256.Load(y), y1 = Vector256.Load(y + 8), y2 = Vector256.Load(y + 16), y3 = Vector256.Load(y + 24);
        Vector256<float> y4 = Vector256.Load(y + 32), y5 = Vector256.Load(y + 40), y6 = Vector256.Load(y + 48), y7 = Vector256.Load(y + 56);
        Vector256<float> d0 = Vector256.Load(widened.Factors), d1 = Vector256.Load(widened.Factors + 8);
        var w = widened.Weights;
        var scales = widened.IntegerScales;
        long d = K + (32L * block), sums = (K * 5L / 4) + (32L * block);
        var q = 256L * block;
        for (var group = 0; group < 8; group++, d += 4)
        {
            Vector256<int> t0 = default, t1 = t0, t2 = t0, t3 = t0, t4 = t0, t5 = t0, t6 = t0, t7 = t0;
            for (var half = 0; half < 2; half++, q += 16, sums += 2, scales += Rows)
            {
                Vector256<int> a0 = Start(x + sums), a1 = a0, a2 = Start(x1 + sums), a3 = a2, a4 = Start(x2 + sums), a5 = a4, a6 = Start(x3 + sums), a7 = a6;
                for (var k = 0; k < 4; k += 2, w += 128)
                {
                    Vector256<byte> w0 = Vector256.Load(w), w1 = Vector256.Load(w + 32), w2 = Vector256.Load(w + 64), w3 = Vector256.Load(w + 96);
                    SuperPanelMatMul.DotPair(x + q, k, w0, w1, w2, w3, ref a0, ref a1);
                    SuperPanelMatMul.DotPair(x1 + q, k, w0, w1, w2, w3, ref a2, ref a3);
                    SuperPanelMatMul.DotPair(x2 + q, k, w0, w1, w2, w3, ref a4, ref a5);
                    SuperPanelMatMul.DotPair(x3 + q, k, w0, w1, w2, w3, ref a6, ref a7);
                }

                Vector256<int> s0 = Vector256.Load(scales), s1 = Vector256.Load(scales + 8);
                (t0, t1, t2, t3) = (t0 + (a0 * s0), t1 + (a1 * s1), t2 + (a2 * s0), t3 + (a3 * s1));
                (t4, t5, t6, t7) = (t4 + (a4 * s0), t5 + (a5 * s1), t6 + (a6 * s0), t7 + (a7 * s1));
            }

            Add(t0, t1, d0, d1, *(float*)(x + d), ref y0, ref y1);
            Add(t2, t3, d0, d1, *(float*)(x1 + d), ref y2, ref y3);
            Add(t4, t5, d0, d1, *(float*)(x2 + d), ref y4, ref y5);
            Add(t6, t7, d0, d1, *(float*)(x3 + d), ref y6, ref y7);
        }

        (*(Vector256<float>*)y, *(Vector256<float>*)(y + 8), *(Vector256<float>*)(y + 16), *(Vector256<float>*)(y + 24)) = (y0, y1, y2, y3);
        (*(Vector256<float>*)(y + 32), *(Vector256<float>*)(y + 40), *(Vector256<float>*)(y + 48), *(Vector256<float>*)(y + 56)) = (y4, y5, y6, y7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Start(byte* sum) => Vector256.Create(-Offset * *(short*)sum);

    /// <summary>Two k-groups of 6-bit values: nibbles and, from the byte of four groups, the bit pairs of the first or the last two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Values<TPairs>(byte* low, byte* pairs, out Vector256<byte> w0, out Vector256<byte> w1, out Vector256<byte> w2, out Vector256<byte> w3)
        where TPairs : struct, IPairShift
    {
        SuperPanelMatMul.Nibbles(low, out w0, out w1, out w2, out w3);
        Vector256<byte> h0 = Vector256.Load(pairs), h1 = Vector256.Load(pairs + 32);
        (w0, w1) = (w0 | TPairs.First(h0), w1 | TPairs.First(h1));
        (w2, w3) = (w2 | TPairs.Second(h0), w3 | TPairs.Second(h1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<int> a0, Vector256<int> a1, Vector256<float> d0, Vector256<float> d1, float d, ref Vector256<float> y0, ref Vector256<float> y1)
    {
        var scale = Vector256.Create(d);
        y0 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a0), d0 * scale, y0);
        y1 = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a1), d1 * scale, y1);
    }

    /// <summary>Moves the bit pairs of two k-groups to bits 4 and 5.</summary>
    private interface IPairShift
    {
        static abstract Vector256<byte> First(Vector256<byte> pairs);

        static abstract Vector256<byte> Second(Vector256<byte> pairs);
    }

    private readonly struct Even : IPairShift
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> First(Vector256<byte> pairs) => (pairs.AsUInt16() << 4).AsByte() & Vector256.Create((byte)0x30);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Second(Vector256<byte> pairs) => (pairs.AsUInt16() << 2).AsByte() & Vector256.Create((byte)0x30);
    }

    private readonly struct Odd : IPairShift
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> First(Vector256<byte> pairs) => pairs & Vector256.Create((byte)0x30);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<byte> Second(Vector256<byte> pairs) => (pairs.AsUInt16() >> 2).AsByte() & Vector256.Create((byte)0x30);
    }
}
