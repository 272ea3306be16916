using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class SoftmaxAttentionTests : KernelTest
{
    [Theory]
    [MemberData(nameof(Paths))]
    public void Paged_attention_equals_the_reference(IsaPath path)
    {
        Isa.Force(path);
        foreach (var (heads, keyValueHeads, headDim) in new[] { (4, 2, 16), (3, 1, 20), (8, 1, 128) })
        {
            foreach (var (past, tokens) in new[] { (0, 1), (0, 2), (0, 65), (255, 3), (300, 1), (0, 300), (512, 1) })
            {
                var (output, expected) = Run(heads, keyValueHeads, headDim, past, tokens);
                AssertClose(expected, output, 2e-6, $"A={heads} KV={keyValueHeads} D={headDim} past={past} T={tokens}");
            }
        }
    }

    [Fact]
    public void A_truncated_cache_continues_as_if_the_tokens_had_never_been()
    {
        using var pages = new KeyValuePages(2, 16);
        using var keys = RandomBuffer(600 * 32, seed: 1);
        using var values = RandomBuffer(600 * 32, seed: 2);
        pages.Append(keys, values, 0, 600);
        pages.Truncate(200);
        pages.Append(keys, values, 200, 1);
        Assert.Equal(201, pages.Length);
        float[] key = new float[16], value = new float[16];
        pages.Read(200, 1, key, value);
        Assert.True(keys.Span.Slice((200 * 32) + 16, 16).SequenceEqual(key));
        Assert.True(values.Span.Slice((200 * 32) + 16, 16).SequenceEqual(value));
        Assert.Throws<ArgumentOutOfRangeException>(() => pages.Read(201, 0, key, value));
    }

    private static (float[] Output, float[] Expected) Run(int heads, int keyValueHeads, int headDim, int past, int tokens)
    {
        var length = past + tokens;
        using var q = RandomBuffer(tokens * heads * headDim, seed: 1, scale: 2);
        using var k = RandomBuffer(length * keyValueHeads * headDim, seed: 2, scale: 2);
        using var v = RandomBuffer(length * keyValueHeads * headDim, seed: 3);
        using var output = new AlignedBuffer<float>(q.Length);
        using var pages = new KeyValuePages(keyValueHeads, headDim);
        pages.Append(k, v, 0, length);
        SoftmaxAttention.Forward([new AttentionSlice(pages, 0, tokens)], q, heads, keyValueHeads, headDim, output, Pool);
        var expected = new float[q.Length];
        for (var head = 0; head < heads; head++)
        {
            var o = new float[tokens * headDim];
            var keyValueHead = head / (heads / keyValueHeads);
            SoftmaxAttention.Reference(
                Column(q.Span, heads, head, headDim), Column(k.Span, keyValueHeads, keyValueHead, headDim), Column(v.Span, keyValueHeads, keyValueHead, headDim), o, headDim);
            for (var t = 0; t < tokens; t++)
            {
                o.AsSpan(t * headDim, headDim).CopyTo(expected.AsSpan(((t * heads) + head) * headDim));
            }
        }

        return (output.Span.ToArray(), expected);
    }

    private static float[] Column(ReadOnlySpan<float> rows, int heads, int head, int headDim)
    {
        var column = new float[rows.Length / heads];
        for (var t = 0; t < column.Length / headDim; t++)
        {
            rows.Slice(((t * heads) + head) * headDim, headDim).CopyTo(column.AsSpan(t * headDim));
        }

        return column;
    }
}
