namespace MiniMaxSharp.Kernels;

/// <summary>
/// Keys and values of one sequence in one softmax layer, in f32 pages of 256 tokens: keys transposed [KV, D, 256] so that scores are
/// computed for 16 keys at a time, values [KV, 256, Dp]. Legend: KV heads, D head width, Dp = D rounded up to 16.
/// </summary>
public sealed unsafe class KeyValuePages : IDisposable
{
    /// <summary>Tokens of one page.</summary>
    public const int PageTokens = 256;

    private readonly List<KeyValuePage> pages = [];
    private AlignedBuffer<nint> table = new(16);

    /// <summary>An empty cache.</summary>
    public KeyValuePages(int heads, int headDim)
    {
        Heads = heads;
        HeadDim = headDim;
        PaddedDim = TileMatMul.Pad(headDim);
    }

    /// <summary>KV.</summary>
    public int Heads { get; }

    /// <summary>D.</summary>
    public int HeadDim { get; }

    /// <summary>Number of tokens held.</summary>
    public int Length { get; private set; }

    internal int PaddedDim { get; }

    internal nint* Table => table.Pointer;

    /// <summary>Bytes of one page.</summary>
    public int PageByteCount => PageFloats * sizeof(float);

    /// <summary>Pages in use.</summary>
    public int Count => pages.Count;

    private int KeyFloats => Heads * HeadDim * PageTokens;

    private int PageFloats => checked(KeyFloats + (Heads * PageTokens * PaddedDim));

    /// <summary>Bytes that a cache of <paramref name="tokens"/> tokens occupies.</summary>
    public static long ByteCount(int heads, int headDim, long tokens) =>
        (tokens + PageTokens - 1) / PageTokens * PageTokens * heads * ((long)headDim + TileMatMul.Pad(headDim)) * sizeof(float);

    /// <summary>Pages that <paramref name="tokens"/> tokens take.</summary>
    public static int PageCount(int tokens) => (tokens + PageTokens - 1) / PageTokens;

    /// <summary>Appends rows [row, row + count) of <paramref name="keys"/> and <paramref name="values"/> [T, KV, D]; keys are already rotated.</summary>
    public void Append(AlignedBuffer<float> keys, AlignedBuffer<float> values, int row, int count)
    {
        for (var i = 0; i < count; i++, Length++)
        {
            var page = PageFor(Length).Buffer;
            var slot = Length % PageTokens;
            for (var head = 0; head < Heads; head++)
            {
                var source = (((row + i) * Heads) + head) * HeadDim;
                var keyColumn = page.Pointer + (head * HeadDim * PageTokens) + slot;
                for (var d = 0; d < HeadDim; d++)
                {
                    keyColumn[d * PageTokens] = keys.Span[source + d];
                }

                var valueRow = KeyFloats + (((head * PageTokens) + slot) * PaddedDim);
                values.Span.Slice(source, HeadDim).CopyTo(page.Span.Slice(valueRow, HeadDim));
            }
        }
    }

    /// <summary>Forgets all tokens from position <paramref name="length"/> on.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length, nameof(length));
        Length = length;
        for (var kept = PageCount(length); pages.Count > kept; pages.RemoveAt(pages.Count - 1))
        {
            pages[^1].Release();
        }
    }

    /// <summary>A cache of the same tokens that grows on its own. Pages are shared; who writes to a shared one copies it first.</summary>
    public KeyValuePages Clone()
    {
        var copy = new KeyValuePages(Heads, HeadDim);
        foreach (var page in pages)
        {
            copy.Add(page.Share());
        }

        copy.Length = Length;
        return copy;
    }

    /// <summary>The stored bytes of one page.</summary>
    public ReadOnlySpan<byte> PageBytes(int index) => pages[index].Bytes;

    /// <summary>Identity of one page: equal for caches that share it.</summary>
    public object PageIdentity(int index) => pages[index];

    /// <summary>True when no other cache holds the page.</summary>
    public bool OwnsPage(int index) => !pages[index].IsShared;

    /// <summary>Appends pages that <see cref="PageBytes"/> gave, up to a length of <paramref name="length"/> tokens; the cache must end on a page border.</summary>
    /// <exception cref="ArgumentException">The bytes are not those of whole pages, or are not enough.</exception>
    public void AppendPages(ReadOnlySpan<byte> content, int length)
    {
        var count = PageCount(length) - PageCount(Length);
        if (Length % PageTokens != 0 || length < Length || content.Length != count * PageByteCount)
        {
            throw new ArgumentException($"{content.Length} bytes are not the pages from token {Length} to {length}.", nameof(content));
        }

        for (var i = 0; i < count; i++)
        {
            var page = new KeyValuePage(PageFloats);
            content.Slice(i * PageByteCount, PageByteCount).CopyTo(page.Bytes);
            Add(page);
        }

        Length = length;
    }

    /// <summary>Key and value of one token and head, [D] each.</summary>
    public void Read(int position, int head, Span<float> key, Span<float> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)Length, nameof(position));
        var page = pages[position / PageTokens].Buffer.Span;
        var slot = position % PageTokens;
        for (var d = 0; d < HeadDim; d++)
        {
            key[d] = page[(((head * HeadDim) + d) * PageTokens) + slot];
            value[d] = page[KeyFloats + (((head * PageTokens) + slot) * PaddedDim) + d];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Length = 0;
        Truncate(0);
        table.Dispose();
    }

    /// <summary>The page of a position that is about to be written.</summary>
    private KeyValuePage PageFor(int position)
    {
        var index = position / PageTokens;
        if (index == pages.Count)
        {
            Add(new KeyValuePage(PageFloats));
        }
        else if (pages[index].IsShared)
        {
            var shared = pages[index];
            pages[index] = shared.Copy();
            table.Span[index] = (nint)pages[index].Buffer.Pointer;
            shared.Release();
        }

        return pages[index];
    }

    private void Add(KeyValuePage page)
    {
        if (pages.Count == table.Length)
        {
            var larger = new AlignedBuffer<nint>(table.Length * 2);
            table.Span.CopyTo(larger.Span);
            table.Dispose();
            table = larger;
        }

        table.Span[pages.Count] = (nint)page.Buffer.Pointer;
        pages.Add(page);
    }
}
