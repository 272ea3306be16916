using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class MatMulTests : KernelTest
{
    private static readonly int[] Tokens = [1, 2, 6, 7, 19];
    private static readonly (int N, int K)[] Shapes = [(1, 1), (3, 2), (5, 63), (8, 64), (33, 65), (64, 257), (37, 1100)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_format_and_shape_equals_the_reference(IsaPath path)
    {
        Isa.Force(path);
        foreach (var type in new[] { DType.F32, DType.BF16, DType.F16 })
        {
            foreach (var (n, k) in Shapes)
            {
                foreach (var t in Tokens)
                {
                    using var weights = new TestWeight(type, n, k, seed: n + k);
                    using var x = RandomBuffer(t * k, seed: t);
                    using var y = new AlignedBuffer<float>(t * n);
                    MatMul.Multiply(new MatMulJob(weights.Matrix, x, 0, y, 0, t), Pool);
                    var expected = new float[t * n];
                    MatMul.Reference(x.Span, weights.Matrix, expected);
                    AssertClose(expected, y.Span, 2e-6, $"{type} T={t} N={n} K={k}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_token_gets_the_same_bits_alone_and_in_any_batch(IsaPath path)
    {
        Isa.Force(path);
        const int n = 45, k = 1051, tokens = 21;
        foreach (var type in new[] { DType.F32, DType.BF16, DType.F16 })
        {
            using var weights = new TestWeight(type, n, k, seed: 1);
            using var x = RandomBuffer(tokens * k, seed: 2);
            using var together = new AlignedBuffer<float>(tokens * n);
            using var alone = new AlignedBuffer<float>(n);
            MatMul.Multiply(new MatMulJob(weights.Matrix, x, 0, together, 0, tokens), Pool);
            for (var t = 0; t < tokens; t++)
            {
                MatMul.Multiply(new MatMulJob(weights.Matrix, x, t * k, alone, 0, 1), Pool);
                Assert.True(alone.Span.SequenceEqual(together.Span.Slice(t * n, n)), $"{type} token {t} ({path})");
            }
        }
    }

    [Fact]
    public void Several_jobs_in_one_region_equal_single_runs()
    {
        using var a = new TestWeight(DType.F32, 70, 40, seed: 1);
        using var b = new TestWeight(DType.BF16, 33, 40, seed: 2);
        using var x = RandomBuffer(3 * 40, seed: 3);
        using var together = new AlignedBuffer<float>(3 * 103);
        using var apart = new AlignedBuffer<float>(3 * 103);
        MatMul.Multiply([new MatMulJob(a.Matrix, x, 0, together, 0, 3), new MatMulJob(a.Matrix, x, 0, together, 0, 0), new MatMulJob(b.Matrix, x, 0, together, 210, 3)], Pool);
        MatMul.Multiply(new MatMulJob(a.Matrix, x, 0, apart, 0, 3), Pool);
        MatMul.Multiply(new MatMulJob(b.Matrix, x, 0, apart, 210, 3), Pool);
        Assert.True(apart.Span.SequenceEqual(together.Span));
    }

    [Fact]
    public void A_buffer_that_is_too_short_is_refused()
    {
        using var weights = new TestWeight(DType.F32, 4, 4, seed: 1);
        using var x = new AlignedBuffer<float>(8);
        using var y = new AlignedBuffer<float>(7);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MatMulJob(weights.Matrix, x, 0, y, 0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MatMulJob(weights.Matrix, x, 1, y, 0, 2));
    }

    [Fact]
    public void Half_precision_is_widened_exactly_with_subnormals_and_infinities()
    {
        using var bits = new AlignedBuffer<ushort>(65536);
        for (var i = 0; i < bits.Length; i++)
        {
            bits.Span[i] = (ushort)i;
        }

        using var one = new AlignedBuffer<float>(1);
        one.Span[0] = 1;
        foreach (var type in new[] { DType.F16, DType.BF16 })
        {
            var column = Weight.From(bits, type, 65536, 1).ToArray();
            var widened = new float[65536];
            WidenWithVectors(bits, type, widened);
            for (var i = 0; i < 65536; i++)
            {
                Assert.True(
                    column[i].Equals(widened[i]) || (float.IsNaN(column[i]) && float.IsNaN(widened[i])), $"{type} bits 0x{i:X4}: {column[i]} and {widened[i]}");
            }
        }
    }

    private static unsafe void WidenWithVectors(AlignedBuffer<ushort> bits, DType type, float[] widened)
    {
        var narrow = stackalloc float[8];
        fixed (float* target = widened)
        {
            for (var i = 0; i < widened.Length; i += 16)
            {
                (type == DType.F16 ? F32x16.LoadF16(bits.Pointer + i) : F32x16.LoadBf16(bits.Pointer + i)).Store(target + i);
                (type == DType.F16 ? F32x8.LoadF16(bits.Pointer + i) : F32x8.LoadBf16(bits.Pointer + i)).Store(narrow);
                for (var lane = 0; lane < 8; lane++)
                {
                    Assert.Equal(BitConverter.SingleToInt32Bits(target[i + lane]), BitConverter.SingleToInt32Bits(narrow[lane]));
                }
            }
        }
    }

    /// <summary>A random matrix of one stored type with its memory.</summary>
    private sealed class TestWeight : IDisposable
    {
        private readonly AlignedBuffer<float> values;
        private readonly AlignedBuffer<ushort> bits;

        public TestWeight(DType type, int rows, int columns, int seed)
        {
            values = RandomBuffer(rows * columns, seed);
            bits = new AlignedBuffer<ushort>(rows * columns);
            for (var i = 0; i < values.Length; i++)
            {
                bits.Span[i] = type == DType.F16
                    ? BitConverter.HalfToUInt16Bits((Half)values.Span[i])
                    : (ushort)(BitConverter.SingleToUInt32Bits(values.Span[i]) >> 16);
            }

            Matrix = type == DType.F32 ? Weight.From(values, rows, columns) : Weight.From(bits, type, rows, columns);
        }

        public Weight Matrix { get; }

        public void Dispose()
        {
            values.Dispose();
            bits.Dispose();
        }
    }
}
