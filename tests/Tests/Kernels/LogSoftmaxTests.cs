using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class LogSoftmaxTests : KernelTest
{
    [Theory]
    [MemberData(nameof(Paths))]
    public void Log_sum_exp_equals_the_reference_up_to_the_real_vocabulary(IsaPath path)
    {
        Isa.Force(path);
        foreach (var n in new[] { 1, 2, 63, 64, 65, 257, 200_064 })
        {
            using var logits = RandomBuffer(n, seed: n, scale: 12);
            var expected = LogSoftmax.Reference(logits.Span);
            Assert.True(Math.Abs(expected - LogSoftmax.LogSumExp(logits.Span)) < 1e-6, $"n={n} {path}");
            Assert.True(Math.Abs(logits.Span[0] - expected - LogSoftmax.At(logits.Span, 0)) < 1e-6, $"n={n} {path}");
        }
    }

    [Fact]
    public void Probabilities_of_huge_logits_do_not_overflow() => Assert.Equal(0, LogSoftmax.At([1e30f, 0, -1e30f], 0), 1e-9);
}
