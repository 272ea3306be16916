using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public sealed class BFloat16KernelsTests : KernelTest
{
    private static readonly (int N, int K)[] Shapes = [(1, 32), (7, 64), (8, 96), (33, 1536), (45, 1056)];

    public BFloat16KernelsTests()
    {
        Assert.SkipUnless(EmittedCode.HasDotBFloat16, "This CPU does not multiply bf16, or emitted code is off.");
        Isa.Force(IsaPath.V512);
    }

    [Fact]
    public void Rounded_products_have_the_bits_of_the_reference_in_every_batch()
    {
        foreach (var (n, k) in Shapes)
        {
            using var weights = RandomWeights(n, k);
            var matrix = Weight.From(weights, DType.BF16, n, k).WithRoundedInputs();
            using var x = RandomBuffer(23 * k, seed: 3);
            var rounded = Array.ConvertAll(x.Span.ToArray(), Round);
            using var y = new AlignedBuffer<float>(23 * n);
            for (var tokens = 1; tokens <= 23; tokens++)
            {
                y.Span.Fill(float.NaN);
                MatMul.Multiply(new MatMulJob(matrix, x, 0, y, 0, tokens), Pool);
                for (var t = 0; t < tokens; t++)
                {
                    for (var row = 0; row < n; row++)
                    {
                        var expected = BFloat16Kernels.Reference(weights.Span.Slice(row * k, k), rounded.AsSpan(t * k, k));
                        Assert.True(expected.Equals(y.Span[(t * n) + row]), $"N={n} K={k} T={tokens} token {t} row {row}");
                    }
                }
            }
        }
    }

    [Fact]
    public void Rounded_products_differ_from_exact_ones_by_the_rounding_of_the_inputs()
    {
        const int n = 32, k = 1024, tokens = 9;
        using var weights = RandomWeights(n, k);
        var matrix = Weight.From(weights, DType.BF16, n, k).WithRoundedInputs();
        using var x = RandomBuffer(tokens * k, seed: 3);
        using var y = new AlignedBuffer<float>(tokens * n);
        MatMul.Multiply(new MatMulJob(matrix, x, 0, y, 0, tokens), Pool);
        var expected = new float[tokens * n];
        MatMul.Reference(x.Span, matrix, expected);
        AssertClose(expected, y.Span, 4e-3, "rounded");
        MatMul.Multiply(new MatMulJob(Weight.From(weights, DType.BF16, n, k), x, 0, y, 0, tokens), Pool);
        AssertClose(expected, y.Span, 1e-6, "exact");
    }

    [Fact]
    public void Rounding_keeps_special_values()
    {
        float[] values = [0, -0f, 1, 1.00390625f, 1.01171875f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, BitConverter.UInt32BitsToSingle(0x7FFFFFFF), 1e-30f];
        using var x = new AlignedBuffer<float>(32);
        values.CopyTo(x.Span);
        using var y = new AlignedBuffer<float>(1);
        for (var i = 0; i < values.Length; i++)
        {
            using var weights = new AlignedBuffer<ushort>(32);
            weights.Span[i] = 0x3F80;
            using var one = new AlignedBuffer<float>(32);
            one.Span[i] = values[i];
            MatMul.Multiply(new MatMulJob(Weight.From(weights, DType.BF16, 1, 32).WithRoundedInputs(), one, 0, y, 0, 1), Pool);
            var expected = BitConverter.UInt32BitsToSingle((uint)Round(values[i]) << 16);
            Assert.Equal(expected, y.Span[0]);
        }
    }

    [Fact]
    public void A_width_that_is_no_multiple_of_32_stays_exact()
    {
        const int n = 9, k = 40;
        using var weights = RandomWeights(n, k);
        var matrix = Weight.From(weights, DType.BF16, n, k).WithRoundedInputs();
        using var x = RandomBuffer(k, seed: 3);
        using var y = new AlignedBuffer<float>(n);
        MatMul.Multiply(new MatMulJob(matrix, x, 0, y, 0, 1), Pool);
        var expected = new float[n];
        MatMul.Reference(x.Span, matrix, expected);
        AssertClose(expected, y.Span, 1e-6, "narrow");
    }

    private static AlignedBuffer<ushort> RandomWeights(int n, int k)
    {
        using var values = RandomBuffer(n * k, seed: n + k);
        var weights = new AlignedBuffer<ushort>(n * k);
        for (var i = 0; i < weights.Length; i++)
        {
            weights.Span[i] = Round(values.Span[i]);
        }

        return weights;
    }

    /// <summary>To the nearest bf16, ties to even, by the definition.</summary>
    private static ushort Round(float value)
    {
        if (float.IsNaN(value))
        {
            return 0x7FC0;
        }

        var bits = BitConverter.SingleToUInt32Bits(value);
        var rest = bits & 0xFFFF;
        var up = rest > 0x8000 || (rest == 0x8000 && (bits >> 16 & 1) == 1);
        return (ushort)((bits >> 16) + (up ? 1u : 0u));
    }
}
