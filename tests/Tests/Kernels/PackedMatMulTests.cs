using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class PackedMatMulTests : KernelTest
{
    private static readonly int[] Tokens = [1, 2, 4, 7, 19, 66];
    private static readonly (int N, int K)[] Shapes = [(1, 32), (15, 64), (16, 96), (17, 256), (1, 512), (33, 1536)];
    private static readonly DType[] Types = [DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Packed_products_equal_the_reference_on_the_same_quantised_inputs(IsaPath path)
    {
        Isa.Force(path);
        foreach (var type in Types)
        {
            foreach (var (n, k) in Shapes.Where(shape => shape.K % type.BlockElements() == 0))
            {
                using var weights = new QuantizedWeight(type, n, k);
                foreach (var t in Tokens)
                {
                    using var x = RandomBuffer(t * k, seed: t);
                    using var y = new AlignedBuffer<float>(t * n);
                    MatMul.Multiply(new MatMulJob(weights.Packed, x, 0, y, 0, t), Pool);
                    var expected = new float[t * n];
                    MatMul.Reference(RoundedInputs(x.Span), weights.Rows, expected);
                    AssertClose(expected, y.Span, 1e-6, $"{type} T={t} N={n} K={k}");
                    MatMul.Reference(x.Span, weights.Rows, expected);
                    AssertClose(expected, y.Span, n > 1 ? 0.02 : 0.1, $"{type} T={t} N={n} K={k} against f32 inputs");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_token_gets_the_same_bits_alone_in_any_batch_and_on_every_path(IsaPath path)
    {
        const int n = 45, tokens = 69;
        foreach (var type in Types)
        {
            var k = type.BlockElements() == 32 ? 1056 : 1024;
            using var weights = new QuantizedWeight(type, n, k);
            using var x = RandomBuffer(tokens * k, seed: 2);
            using var together = new AlignedBuffer<float>(tokens * n);
            using var alone = new AlignedBuffer<float>(n);
            Isa.Force(IsaPath.Scalar);
            MatMul.Multiply(new MatMulJob(weights.Packed, x, 0, together, 0, tokens), Pool);
            var scalar = together.Span.ToArray();
            Isa.Force(path);
            MatMul.Multiply(new MatMulJob(weights.Packed, x, 0, together, 0, tokens), Pool);
            Assert.True(together.Span.SequenceEqual(scalar), $"{type}: {path} and scalar differ");
            for (var t = 0; t < tokens; t++)
            {
                MatMul.Multiply(new MatMulJob(weights.Packed, x, t * k, alone, 0, 1), Pool);
                Assert.True(alone.Span.SequenceEqual(together.Span.Slice(t * n, n)), $"{type} token {t} ({path})");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Fine_inputs_are_nearly_exact_and_get_the_same_bits_in_any_batch(IsaPath path)
    {
        const int n = 45, k = 1056, tokens = 7;
        using var weights = new QuantizedWeight(DType.Q8_0, n, k);
        using var x = RandomBuffer(tokens * k, seed: 4);
        x.Span[5] = 100; // An outlier takes the resolution of its block.
        using var together = new AlignedBuffer<float>(tokens * n);
        using var alone = new AlignedBuffer<float>(n);
        Isa.Force(IsaPath.Scalar);
        MatMul.Multiply(new MatMulJob(weights.Packed, x, 0, together, 0, tokens, fineInputs: true), Pool);
        var scalar = together.Span.ToArray();
        var expected = new float[tokens * n];
        MatMul.Reference(x.Span, weights.Rows, expected);
        AssertClose(expected, scalar, 1e-4, "fine inputs against f32 inputs");
        Isa.Force(path);
        MatMul.Multiply(new MatMulJob(weights.Packed, x, 0, together, 0, tokens, fineInputs: true), Pool);
        Assert.True(together.Span.SequenceEqual(scalar), $"{path} and scalar differ");
        for (var t = 0; t < tokens; t++)
        {
            MatMul.Multiply(new MatMulJob(weights.Packed, x, t * k, alone, 0, 1, fineInputs: true), Pool);
            Assert.True(alone.Span.SequenceEqual(together.Span.Slice(t * n, n)), $"token {t} ({path})");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void The_largest_magnitudes_do_not_saturate(IsaPath path)
    {
        Isa.Force(path);
        foreach (var type in Types)
        {
            using var weights = new QuantizedWeight(type, 16, 256, constant: -1);
            using var x = new AlignedBuffer<float>(256);
            x.Span.Fill(1);
            using var y = new AlignedBuffer<float>(16);
            MatMul.Multiply(new MatMulJob(weights.Packed, x, 0, y, 0, 1), Pool);
            Assert.All(y.Span.ToArray(), value => Assert.Equal(-256, value, 0.08));
        }
    }

    [Fact]
    public void Jobs_of_one_region_share_inputs_and_mix_with_plain_weights()
    {
        using var a = new QuantizedWeight(DType.Q8_0, 70, 64);
        using var b = new QuantizedWeight(DType.Q4_0, 33, 64);
        using var plain = RandomBuffer(20 * 64, seed: 5);
        var c = Weight.From(plain, 20, 64);
        using var x = RandomBuffer(5 * 64, seed: 3);
        using var together = new AlignedBuffer<float>(5 * 123);
        using var apart = new AlignedBuffer<float>(5 * 123);
        MatMulJob[] Jobs(AlignedBuffer<float> y) =>
            [new(c, x, 0, y, 515, 5), new(a.Packed, x, 0, y, 0, 5), new(a.Packed, x, 0, y, 0, 0), new(b.Packed, x, 0, y, 350, 3), new(b.Packed, x, 192, y, 449, 2)];
        MatMul.Multiply(Jobs(together), Pool);
        foreach (var job in Jobs(apart))
        {
            MatMul.Multiply(job, Pool);
        }

        Assert.True(apart.Span.SequenceEqual(together.Span));
        Assert.DoesNotContain(together.Span.ToArray(), value => value == 0);
    }

    [Fact]
    public void Packing_keeps_the_size_and_refuses_what_it_cannot_hold()
    {
        using var weights = new QuantizedWeight(DType.Q4_0, 32, 128);
        Assert.Equal(weights.Rows.ByteCount, weights.Packed.ByteCount);
        Assert.Throws<InvalidOperationException>(() => weights.Packed.ToArray());
        Assert.Throws<InvalidOperationException>(() => weights.Packed.Slice(0, 16));
        using var memory = new PanelMemory(0);
        Assert.Throws<NotSupportedException>(() => weights.Packed.Pack(Pool, memory));
        using var x = new AlignedBuffer<float>(128);
        using var y = new AlignedBuffer<float>(32);
        Assert.Throws<NotSupportedException>(() => new MatMulJob(weights.Rows, x, 0, y, 0, 1));
    }

    /// <summary>x rounded to 127 steps a block of 32, by the definition.</summary>
    private static float[] RoundedInputs(ReadOnlySpan<float> x)
    {
        var rounded = x.ToArray();
        for (var block = 0; block < rounded.Length; block += 32)
        {
            var part = rounded.AsSpan(block, 32);
            var largest = 0f;
            foreach (var value in part)
            {
                largest = MathF.Max(largest, MathF.Abs(value));
            }

            foreach (ref var value in part)
            {
                value = largest == 0 ? 0 : MathF.Round(value * (127 / largest)) * (largest / 127);
            }
        }

        return rounded;
    }

    private sealed class QuantizedWeight : IDisposable
    {
        private readonly AlignedBuffer<byte> bytes;
        private readonly PanelMemory panels = new(0);

        public QuantizedWeight(DType type, int rows, int columns, float? constant = null)
        {
            using var values = RandomBuffer(rows * columns, seed: rows + columns);
            if (constant is { } value)
            {
                values.Span.Fill(value);
            }

            bytes = new AlignedBuffer<byte>((int)(rows * type.RowBytes(columns)));
            Quantizer.Quantize(type, values.Span, [], bytes.Span);
            Rows = Weight.From(bytes, type, rows, columns);
            Packed = Rows.Pack(Pool, panels);
        }

        public Weight Rows { get; }

        public Weight Packed { get; }

        public void Dispose()
        {
            bytes.Dispose();
            panels.Dispose();
        }
    }
}
