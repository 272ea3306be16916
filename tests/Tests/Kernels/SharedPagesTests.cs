using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class SharedPagesTests
{
    private const int HeadDim = 4;

    [Fact]
    public void A_clone_shares_pages_and_copies_only_the_one_that_it_writes_to()
    {
        using var original = new KeyValuePages(1, HeadDim);
        Append(original, 300, 1);
        using var fork = original.Clone();
        Assert.Same(original.PageIdentity(0), fork.PageIdentity(0));
        Assert.Same(original.PageIdentity(1), fork.PageIdentity(1));
        Append(fork, 1, 2);
        Assert.Same(original.PageIdentity(0), fork.PageIdentity(0));
        Assert.NotSame(original.PageIdentity(1), fork.PageIdentity(1));
        Append(original, 1, 3);
        Assert.Equal((1f, 2f), (KeyAt(fork, 299), KeyAt(fork, 300)));
        Assert.Equal((1f, 3f), (KeyAt(original, 299), KeyAt(original, 300)));
    }

    [Fact]
    public void A_page_lives_as_long_as_the_last_cache_that_holds_it()
    {
        var original = new KeyValuePages(1, HeadDim);
        Append(original, 257, 1);
        using var fork = original.Clone();
        Assert.False(fork.OwnsPage(0));
        original.Dispose();
        Assert.True(fork.OwnsPage(0));
        Assert.Equal(1f, KeyAt(fork, 256));
    }

    [Fact]
    public void Stored_pages_come_back_with_their_length()
    {
        using var original = new KeyValuePages(1, HeadDim);
        Append(original, 300, 5);
        using var restored = new KeyValuePages(1, HeadDim);
        restored.AppendPages([.. original.PageBytes(0), .. original.PageBytes(1)], 300);
        Assert.Equal(300, restored.Length);
        Assert.Equal(5f, KeyAt(restored, 299));
        Assert.Throws<ArgumentException>(() => restored.AppendPages(original.PageBytes(0), 400));
    }

    private static void Append(KeyValuePages pages, int count, float value)
    {
        using var rows = new AlignedBuffer<float>(count * HeadDim);
        rows.Span.Fill(value);
        pages.Append(rows, rows, 0, count);
    }

    private static float KeyAt(KeyValuePages pages, int position)
    {
        var (key, value) = (new float[HeadDim], new float[HeadDim]);
        pages.Read(position, 0, key, value);
        return key[0];
    }
}
