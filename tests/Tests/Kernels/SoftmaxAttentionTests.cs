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
            foreach (var (past, tokens) in new[] { (0, 1), (0, 2), (0, 65), (255, 3), (300, 1), (0, 300), (512, 1), (1023, 2), (2100, 1), (2040, 20) })
            {
                foreach (var type in Enum.GetValues<KeyValueType>())
                {
                    var (output, expected) = Run(type, heads, keyValueHeads, headDim, past, tokens);
                    AssertClose(expected, output, 2e-6, $"{type} A={heads} KV={keyValueHeads} D={headDim} past={past} T={tokens}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_token_gets_the_same_bits_alone_and_in_any_chunk_on_any_number_of_threads(IsaPath path)
    {
        Isa.Force(path);
        const int heads = 4, keyValueHeads = 2, headDim = 24, length = 2300; // three ranges of keys
        using var q = RandomBuffer(length * heads * headDim, seed: 1, scale: 3);
        using var k = RandomBuffer(length * keyValueHeads * headDim, seed: 2, scale: 3);
        using var v = RandomBuffer(length * keyValueHeads * headDim, seed: 3);
        using var all = new AlignedBuffer<float>(q.Length);
        using var some = new AlignedBuffer<float>(q.Length);
        using var alone = new ComputePool(1);
        foreach (var type in Enum.GetValues<KeyValueType>())
        {
            using var pages = new KeyValuePages(keyValueHeads, headDim, type);
            pages.Append(k, v, 0, length);
            SoftmaxAttention.Forward([new AttentionSlice(pages, 0, length)], q, heads, keyValueHeads, headDim, all, Pool);
            foreach (var (start, end, pool) in new[] { (2299, 2300, Pool), (2047, 2049, Pool), (1024, 1025, alone), (1020, 1040, alone), (1000, 1001, Pool) })
            {
                using var prefix = pages.Clone();
                prefix.Truncate(end);
                SoftmaxAttention.Forward([new AttentionSlice(prefix, start, end - start)], q, heads, keyValueHeads, headDim, some, pool);
                var (from, count) = (start * heads * headDim, (end - start) * heads * headDim);
                Assert.True(all.Span.Slice(from, count).SequenceEqual(some.Span.Slice(from, count)), $"{type} [{start}, {end}) {path}");
            }
        }
    }

    [Fact]
    public void Single_tokens_of_several_sequences_share_a_step()
    {
        const int heads = 4, keyValueHeads = 2, headDim = 16;
        int[] lengths = [1500, 7, 4097];
        using var q = RandomBuffer(lengths.Length * heads * headDim, seed: 1, scale: 3);
        using var k = RandomBuffer(4097 * keyValueHeads * headDim, seed: 2, scale: 3);
        using var v = RandomBuffer(4097 * keyValueHeads * headDim, seed: 3);
        using var together = new AlignedBuffer<float>(q.Length);
        using var alone = new AlignedBuffer<float>(q.Length);
        var pages = lengths.Select(length =>
        {
            var cache = new KeyValuePages(keyValueHeads, headDim, KeyValueType.F16);
            cache.Append(k, v, 0, length);
            return cache;
        }).ToArray();
        AttentionSlice[] slices = [.. pages.Select((cache, row) => new AttentionSlice(cache, row, 1))];
        SoftmaxAttention.Forward(slices, q, heads, keyValueHeads, headDim, together, Pool);
        Array.ForEach(slices, slice => SoftmaxAttention.Forward([slice], q, heads, keyValueHeads, headDim, alone, Pool));
        Assert.True(together.Span.SequenceEqual(alone.Span));
        Array.ForEach(pages, cache => cache.Dispose());
    }

    [Theory]
    [InlineData(KeyValueType.F32, 0)]
    [InlineData(KeyValueType.F16, 4.9e-4)]
    [InlineData(KeyValueType.BF16, 3.91e-3)]
    [InlineData(KeyValueType.Q8, 3.94e-3)]
    public void A_stored_row_is_off_by_half_a_step_at_most_and_survives_clone_and_truncate(KeyValueType type, double relativeStep)
    {
        const int heads = 3, headDim = 40, length = 300;
        using var pages = new KeyValuePages(heads, headDim, type);
        using var keys = RandomBuffer(length * heads * headDim, seed: 4, scale: 10);
        using var values = RandomBuffer(length * heads * headDim, seed: 5, scale: 0.01f);
        pages.Append(keys, values, 0, length);
        using var copy = pages.Clone();
        pages.Truncate(0);
        copy.Truncate(290);
        Assert.Equal(KeyValuePages.ByteCount(heads, headDim, 290, type), 2L * 256 * heads * (((40 + 64) * type.ElementBytes()) + (2 * type.ScaleBytes())));
        float[] key = new float[headDim], value = new float[headDim];
        for (var i = 0; i < 290 * heads; i++)
        {
            copy.Read(i / heads, i % heads, key, value);
            AssertRow(keys.Span.Slice(i * headDim, headDim), key);
            AssertRow(values.Span.Slice(i * headDim, headDim), value);
        }

        void AssertRow(ReadOnlySpan<float> expected, float[] stored)
        {
            var largest = expected.ToArray().Max(MathF.Abs);
            for (var d = 0; d < headDim; d++)
            {
                var bound = relativeStep * (type == KeyValueType.Q8 ? largest : MathF.Abs(expected[d]));
                Assert.True(Math.Abs(expected[d] - stored[d]) <= bound + 3.1e-8, $"{expected[d]} became {stored[d]}");
            }
        }
    }

    [Fact]
    public void Halves_saturate_and_rows_of_zeros_stay_zero()
    {
        using var pages = new KeyValuePages(1, 16, KeyValueType.F16);
        using var small = new KeyValuePages(1, 16, KeyValueType.Q8);
        using var keys = new AlignedBuffer<float>(16);
        using var values = new AlignedBuffer<float>(16);
        keys.Span.Fill(-1e9f);
        pages.Append(keys, values, 0, 1);
        small.Append(values, values, 0, 1);
        float[] key = new float[16], value = new float[16];
        pages.Read(0, 0, key, value);
        Assert.All(key, stored => Assert.Equal(-65504, stored));
        small.Read(0, 0, key, value);
        Assert.All(key.Concat(value), stored => Assert.Equal(0, stored));
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

    private static (float[] Output, float[] Expected) Run(KeyValueType type, int heads, int keyValueHeads, int headDim, int past, int tokens)
    {
        var length = past + tokens;
        using var q = RandomBuffer(tokens * heads * headDim, seed: 1, scale: 2);
        using var k = RandomBuffer(length * keyValueHeads * headDim, seed: 2, scale: 2);
        using var v = RandomBuffer(length * keyValueHeads * headDim, seed: 3);
        using var output = new AlignedBuffer<float>(q.Length);
        using var pages = new KeyValuePages(keyValueHeads, headDim, type);
        pages.Append(k, v, 0, length);
        for (var i = 0; i < length * keyValueHeads; i++) // the reference sees what is stored
        {
            pages.Read(i / keyValueHeads, i % keyValueHeads, k.Span.Slice(i * headDim, headDim), v.Span.Slice(i * headDim, headDim));
        }

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
