using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// y = Σ over groups of 32 of (Σ q_x q_w) (d scale) d_x − (dmin minimum) (d_x Σ q_x): two fused multiply-adds a group.
/// </summary>
internal readonly unsafe struct Q4_KPanel : ISuperPanelFormat
{
    private const int PrefetchDistance = 8192;
    private const int Rows = PanelLayout.Rows;
    private const int Header = SuperPanelLayout.HeaderOfQ4_K;
    private const int GroupBytes = SuperPanelLayout.GroupOfQ4_K;

    public static int BlockBytes => Header + (8 * GroupBytes);

    public static void Reference(byte* w, byte* x, int K, float* y)
    {
        var d = (float*)(x + K);
        var sums = (int*)(x + K) + (K / 32);
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
                    sum += ((sbyte*)x)[(32 * b) + k] * (q[(k / 8 * 64) + (4 * row) + (k % 4)] >> (k / 4 % 2 * 4) & 15);
                }

                var scale = (float)((Half*)block)[row] * block[64 + (b % 8 * Rows) + row];
                var minimum = -(float)((Half*)block)[Rows + row] * block[192 + (b % 8 * Rows) + row];
                y[row] = MathF.FusedMultiplyAdd(sum, scale * d[b], y[row]);
                y[row] = MathF.FusedMultiplyAdd(minimum, sums[b] * d[b], y[row]);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyToken(byte* w, byte* x, int K, float* y)
    {
        Vector256<float> y0 = default, y1 = default;
        var d = (float*)(x + K);
        var sums = (int*)d + (K / 32);
        for (var block = 0; block < K / 256; block++, w += BlockBytes, d += 8, sums += 8)
        {
            Vector256<float> d0 = SuperPanelMatMul.Halves(w), d1 = SuperPanelMatMul.Halves(w + 16);
            Vector256<float> m0 = -SuperPanelMatMul.Halves(w + 32), m1 = -SuperPanelMatMul.Halves(w + 48);
            for (var line = 0; line < Header; line += 64)
            {
                Sse.Prefetch1(w + line + PrefetchDistance);
            }

            var q = w + Header;
            for (var group = 0; group < 8; group++, x += 32)
            {
                Vector256<int> a0 = default, a1 = default, b0 = default, b1 = default;
                for (var pair = 0; pair < 4; pair++, q += 64)
                {
                    Sse.Prefetch1(q + PrefetchDistance);
                    SuperPanelMatMul.Nibbles(q, out var w0, out var w1, out var w2, out var w3);
                    Vector256<sbyte> u = SuperPanelMatMul.Group(x, 2 * pair), v = SuperPanelMatMul.Group(x, (2 * pair) + 1);
                    (a0, a1) = (SuperPanelMatMul.Dot(a0, w0, u), SuperPanelMatMul.Dot(a1, w1, u));
                    (b0, b1) = (SuperPanelMatMul.Dot(b0, w2, v), SuperPanelMatMul.Dot(b1, w3, v));
                }

                var scale = w + 64 + (group * Rows);
                var minimum = scale + 128;
                Add(a0 + b0, a1 + b1, d0 * Bytes(scale), d1 * Bytes(scale + 8), m0 * Bytes(minimum), m1 * Bytes(minimum + 8), d[group], sums[group], ref y0, ref y1);
            }
        }

        y0.Store(y);
        y1.Store(y + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(byte* w, WidenedPanel target)
    {
        Vector256<float> d0 = SuperPanelMatMul.Halves(w), d1 = SuperPanelMatMul.Halves(w + 16);
        Vector256<float> m0 = -SuperPanelMatMul.Halves(w + 32), m1 = -SuperPanelMatMul.Halves(w + 48);
        var scales = target.Scales;
        var minima = target.Minima;
        for (var group = 0; group < 8; group++, scales += Rows, minima += Rows)
        {
            var scale = w + 64 + (group * Rows);
            (d0 * Bytes(scale)).Store(scales);
            (d1 * Bytes(scale + 8)).Store(scales + 8);
            (m0 * Bytes(scale + 128)).Store(minima);
            (m1 * Bytes(scale + 136)).Store(minima + 8);
        }

        var q = w + Header;
        var bytes = target.Weights;
        for (var pair = 0; pair < 32; pair++, q += 64, bytes += 128)
        {
            Sse.Prefetch1(q + PrefetchDistance);
            SuperPanelMatMul.Nibbles(q, out var w0, out var w1, out var w2, out var w3);
            w0.Store(bytes);
            w1.Store(bytes + 32);
            w2.Store(bytes + 64);
            w3.Store(bytes + 96);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyTile(WidenedPanel widened, byte* x, byte* x1, byte* x2, byte* x3, int block, int K, float* y)
    {
        Vector256<float> y0 = Vector256.Load(y), y1 = Vector256.Load(y + 8), y2 = Vector256.Load(y + 16), y3 = Vector256.Load(y + 24);
        Vector256<float> y4 = Vector256.Load(y + 32), y5 = Vector256.Load(y + 40), y6 = Vector256.Load(y + 48), y7 = Vector256.Load(y + 56);
        var w = widened.Weights;
        var scales = widened.Scales;
        var minima = widened.Minima;
        long d = K + (32L * block), sums = d + (K / 8);
        var q = 256L * block;
        for (var group = 0; group < 8; group++, q += 32, d += 4, sums += 4, scales += Rows, minima += Rows)
        {
            Vector256<int> a0 = default, a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
            for (var k = 0; k < 8; k += 2, w += 128)
            {
                Vector256<byte> w0 = Vector256.Load(w), w1 = Vector256.Load(w + 32), w2 = Vector256.Load(w + 64), w3 = Vector256.Load(w + 96);
                SuperPanelMatMul.DotPair(x + q, k, w0, w1, w2, w3, ref a0, ref a1);
                SuperPanelMatMul.DotPair(x1 + q, k, w0, w1, w2, w3, ref a2, ref a3);
                SuperPanelMatMul.DotPair(x2 + q, k, w0, w1, w2, w3, ref a4, ref a5);
                SuperPanelMatMul.DotPair(x3 + q, k, w0, w1, w2, w3, ref a6, ref a7);
            }

            Vector256<float> s0 = Vector256.Load(scales), s1 = Vector256.Load(scales + 8), m0 = Vector256.Load(minima), m1 = Vector256.Load(minima + 8);
            Add(a0, a1, s0, s1, m0, m1, *(float*)(x + d), *(int*)(x + sums), ref y0, ref y1);
            Add(a2, a3, s0, s1, m0, m1, *(float*)(x1 + d), *(int*)(x1 + sums), ref y2, ref y3);
            Add(a4, a5, s0, s1, m0, m1, *(float*)(x2 + d), *(int*)(x2 + sums), ref y4, ref y5);
            Add(a6, a7, s0, s1, m0, m1, *(float*)(x3 + d), *(int*)(x3 + sums), ref y6, ref y7);
        }

        (*(Vector256<float>*)y, *(Vector256<float>*)(y + 8), *(Vector256<float>*)(y + 16), *(Vector256<float>*)(y + 24)) = (y0, y1, y2, y3);
        (*(Vector256<float>*)(y + 32), *(Vector256<float>*)(y + 40), *(Vector256<float>*)(y + 48), *(Vector256<float>*)(y + 56)) = (y4, y5, y6, y7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Bytes(byte* eight) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(eight));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        Vector256<int> a0, Vector256<int> a1, Vector256<float> s0, Vector256<float> s1, Vector256<float> m0, Vector256<float> m1, float d, int sum,
        ref Vector256<float> y0, ref Vector256<float> y1)
    {
        Vector256<float> scale = Vector256.Create(d), inputs = Vector256.Create(sum * d);
        y0 = Vector256.FusedMultiplyAdd(m0, inputs, Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a0), s0 * scale, y0));
        y1 = Vector256.FusedMultiplyAdd(m1, inputs, Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(a1), s1 * scale, y1));
    }
}
