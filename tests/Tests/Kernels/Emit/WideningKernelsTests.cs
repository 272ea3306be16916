using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public sealed class WideningKernelsTests : KernelTest
{
    private static readonly (int N, int K)[] Shapes = [(1, 32), (8, 32), (9, 512), (45, 1056), (16, 4640)];

    public WideningKernelsTests()
    {
        Assert.SkipUnless(EmittedCode.IsAllowed, "This CPU has no 512-bit vectors, or emitted code is off.");
        Isa.Force(IsaPath.V512);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void One_token_alone_has_the_bits_that_it_has_among_others(DType type)
    {
        foreach (var (n, k) in Shapes)
        {
            using var weights = RandomWeights(type, n, k);
            var matrix = Weight.From(weights, type, n, k);
            Assert.NotNull(WideningKernels.For(matrix));
            using var x = RandomBuffer(2 * k, seed: 3);
            using var both = new AlignedBuffer<float>(2 * n);
            MatMul.Multiply(new MatMulJob(matrix, x, 0, both, 0, 2), Pool);
            using var y = new AlignedBuffer<float>(2 * n);
            y.Span.Fill(float.NaN);
            MatMul.Multiply(new MatMulJob(matrix, x, 0, y, 0, 1), Pool);
            MatMul.Multiply(new MatMulJob(matrix, x, k, y, n, 1), Pool);
            for (var i = 0; i < 2 * n; i++)
            {
                Assert.True(both.Span[i].Equals(y.Span[i]), $"{type} N={n} K={k} output {i}: {both.Span[i]:R} among others, {y.Span[i]:R} alone");
            }
        }
    }

    [Fact]
    public void Other_widths_and_types_have_no_emitted_tile()
    {
        using var weights = RandomWeights(DType.BF16, 8, 40);
        Assert.Null(WideningKernels.For(Weight.From(weights, DType.BF16, 8, 40)));
        using var single = RandomBuffer(8 * 32, seed: 1);
        Assert.Null(WideningKernels.For(Weight.From(single, 8, 32)));
        Isa.Force(IsaPath.V256);
        Assert.Null(WideningKernels.For(Weight.From(weights, DType.BF16, 10, 32)));
    }

    private static AlignedBuffer<ushort> RandomWeights(DType type, int n, int k)
    {
        using var values = RandomBuffer(n * k, seed: n + k);
        var weights = new AlignedBuffer<ushort>(n * k);
        for (var i = 0; i < n * k; i++)
        {
            weights.Span[i] = type == DType.BF16
                ? (ushort)(BitConverter.SingleToUInt32Bits(values.Span[i]) >> 16)
                : BitConverter.HalfToUInt16Bits((Half)values.Span[i]);
        }

        return weights;
    }
}
