using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class LightningAttentionTests : KernelTest
{
    private static readonly float[] Slopes = [0.917f, 0.05f, 1e-5f];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Blocks_and_recurrence_equal_the_reference(IsaPath path)
    {
        Isa.Force(path);
        foreach (var headDim in new[] { 16, 20, 64, 128 })
        {
            foreach (var tokens in new[] { 1, 2, 63, 64, 65, 257, 520 })
            {
                using var qkv = RandomBuffer(tokens * Slopes.Length * 3 * headDim, seed: tokens);
                using var output = new AlignedBuffer<float>(tokens * Slopes.Length * headDim);
                using var state = new AlignedBuffer<float>(LightningAttention.StateLength(Slopes.Length, headDim));
                LightningAttention.Forward([new LightningSlice(state, 0, tokens, 0)], qkv, Slopes, headDim, output, Pool);
                AssertClose(Reference(qkv.Span, tokens, headDim), output.Span, 3e-6, $"D={headDim} T={tokens}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Chunks_cut_on_grid_lines_give_the_same_bits_as_one_call(IsaPath path)
    {
        Isa.Force(path);
        const int headDim = 32, tokens = 700;
        using var qkv = RandomBuffer(tokens * Slopes.Length * 3 * headDim, seed: 5);
        var whole = Run(qkv, headDim, tokens, tokens);
        Assert.True(whole.AsSpan().SequenceEqual(Run(qkv, headDim, tokens, 256)), $"{path}");
        AssertClose(whole, Run(qkv, headDim, tokens, 100), 3e-6, "cut anywhere");
        AssertClose(whole, Run(qkv, headDim, tokens, 1), 3e-6, "recurrence");
    }

    [Fact]
    public void Sequences_in_one_step_do_not_touch_each_other()
    {
        const int headDim = 16;
        using var qkv = RandomBuffer(40 * Slopes.Length * 3 * headDim, seed: 5);
        using var output = new AlignedBuffer<float>(40 * Slopes.Length * headDim);
        using var first = new AlignedBuffer<float>(LightningAttention.StateLength(Slopes.Length, headDim));
        using var second = new AlignedBuffer<float>(first.Length);
        LightningAttention.Forward([new LightningSlice(first, 0, 27, 0), new LightningSlice(second, 27, 13, 0)], qkv, Slopes, headDim, output, Pool);
        using var alone = new AlignedBuffer<float>(output.Length);
        using var state = new AlignedBuffer<float>(first.Length);
        LightningAttention.Forward([new LightningSlice(state, 27, 13, 0)], qkv, Slopes, headDim, alone, Pool);
        Assert.True(alone.Span[(27 * Slopes.Length * headDim)..].SequenceEqual(output.Span[(27 * Slopes.Length * headDim)..]));
        Assert.True(state.Span.SequenceEqual(second.Span));
    }

    private static float[] Run(AlignedBuffer<float> qkv, int headDim, int tokens, int chunk)
    {
        using var output = new AlignedBuffer<float>(tokens * Slopes.Length * headDim);
        using var state = new AlignedBuffer<float>(LightningAttention.StateLength(Slopes.Length, headDim));
        for (var t = 0; t < tokens; t += chunk)
        {
            LightningAttention.Forward([new LightningSlice(state, t, Math.Min(chunk, tokens - t), t)], qkv, Slopes, headDim, output, Pool);
        }

        return output.Span.ToArray();
    }

    private static float[] Reference(ReadOnlySpan<float> qkv, int tokens, int headDim)
    {
        var heads = Slopes.Length;
        var expected = new float[tokens * heads * headDim];
        for (var head = 0; head < heads; head++)
        {
            var parts = new float[3][];
            for (var part = 0; part < 3; part++)
            {
                parts[part] = new float[tokens * headDim];
                for (var t = 0; t < tokens; t++)
                {
                    qkv.Slice(((((t * heads) + head) * 3) + part) * headDim, headDim).CopyTo(parts[part].AsSpan(t * headDim));
                }
            }

            var o = new float[tokens * headDim];
            LightningAttention.Reference(parts[0], parts[1], parts[2], Slopes[head], new double[headDim * headDim], o, headDim);
            for (var t = 0; t < tokens; t++)
            {
                o.AsSpan(t * headDim, headDim).CopyTo(expected.AsSpan(((t * heads) + head) * headDim));
            }
        }

        return expected;
    }
}
