using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class ElementwiseTests : KernelTest
{
    private static readonly int[] Lengths = [1, 2, 63, 64, 65, 257, 40_000];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Activations_gates_and_sums_equal_the_reference(IsaPath path)
    {
        Isa.Force(path);
        foreach (var n in Lengths)
        {
            using var a = RandomBuffer(n, seed: n, scale: 40);
            using var b = RandomBuffer(n, seed: n + 1, scale: 40);
            Check(n, a, b, (x, y) => Elementwise.Silu(x, n, Pool), (x, y) => Elementwise.SiluReference(x), "silu");
            Check(n, a, b, (x, y) => Elementwise.SiluMultiply(x, y, n, Pool), (x, y) => Elementwise.SiluMultiplyReference(x, y), "silu · up");
            Check(n, a, b, (x, y) => Elementwise.SigmoidMultiply(x, y, n, Pool), (x, y) => Elementwise.SigmoidMultiplyReference(x, y), "gate");
            Check(n, a, b, (x, y) => Elementwise.Combine(3.5f, x, 0.7f, y, x, n, Pool), (x, y) => Elementwise.CombineReference(3.5f, x, 0.7f, y, x), "residual");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Silu_of_huge_and_tiny_values_stays_finite(IsaPath path)
    {
        Isa.Force(path);
        using var x = new AlignedBuffer<float>(16);
        float[] values = [-1e30f, -1000, -100, -88, -87, -1e-30f, 0, 1e-30f, 50, 88, 100, 1000, 1e30f, -20, 20, 1];
        values.CopyTo(x.Span);
        Elementwise.Silu(x, 16, Pool);
        for (var i = 0; i < 16; i++)
        {
            var expected = values[i] / (1 + Math.Exp(-(double)values[i]));
            Assert.True(Math.Abs(expected - x.Span[i]) <= (1e-6 * Math.Abs(expected)) + (1e-37 * Math.Abs(values[i])), $"silu({values[i]}) = {x.Span[i]}, not {expected} ({path})");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Rms_norm_equals_the_reference(IsaPath path)
    {
        Isa.Force(path);
        foreach (var width in new[] { 1, 2, 63, 64, 65, 257, 6144 })
        {
            using var x = RandomBuffer(3 * width, seed: width, scale: 100);
            using var w = RandomBuffer(width, seed: 7);
            using var y = new AlignedBuffer<float>(3 * width);
            var expected = new float[3 * width];
            RmsNorm.Normalize(x, w, 1e-5f, y, 3, Pool);
            RmsNorm.Reference(x.Span, w.Span, 1e-5f, expected);
            AssertClose(expected, y.Span, 1e-6, $"width {width}");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Rope_equals_the_reference_and_leaves_the_tail_of_a_head_alone(IsaPath path)
    {
        Isa.Force(path);
        foreach (var (headDim, rotaryDim) in new[] { (16, 8), (20, 12), (128, 64), (64, 64) })
        {
            const int rows = 5, heads = 3;
            var frequencies = Rope.InverseFrequencies(rotaryDim, 1e7);
            using var cos = new AlignedBuffer<float>(rows * rotaryDim / 2);
            using var sin = new AlignedBuffer<float>(rows * rotaryDim / 2);
            using var x = RandomBuffer(rows * heads * headDim, seed: 3);
            var expected = x.Span.ToArray();
            for (var t = 0; t < rows; t++)
            {
                var c = cos.Span.Slice(t * rotaryDim / 2, rotaryDim / 2);
                var s = sin.Span.Slice(t * rotaryDim / 2, rotaryDim / 2);
                Rope.Angles(1000 * t, frequencies, c, s);
                Rope.Reference(expected.AsSpan(t * heads * headDim, heads * headDim), headDim, c, s);
            }

            var before = x.Span.ToArray();
            Rope.Rotate(x, rows, heads, headDim, cos, sin, rotaryDim, Pool);
            AssertClose(expected, x.Span, 1e-6, $"D={headDim} R={rotaryDim}");
            for (var i = 0; i < before.Length; i++)
            {
                if (i % headDim >= rotaryDim)
                {
                    Assert.Equal(before[i], x.Span[i]);
                }
            }
        }
    }

    private static void Check(
        int n, AlignedBuffer<float> a, AlignedBuffer<float> b, Action<AlignedBuffer<float>, AlignedBuffer<float>> fast, Action<float[], float[]> reference, string what)
    {
        using var x = new AlignedBuffer<float>(n);
        a.Span.CopyTo(x.Span);
        var expected = a.Span.ToArray();
        fast(x, b);
        reference(expected, b.Span.ToArray());
        AssertClose(expected, x.Span, 1e-6, $"{what} n={n}");
    }
}
