namespace MiniMaxSharp.Kernels;

/// <summary>
/// Keys and values of one sequence in one softmax layer, in pages of 256 tokens. A head's part of a page stands together, as panels
/// that are 32 columns wide and are read from front to back: keys transposed [8, D, 32] (columns are tokens), values [Dv/32, 256, 32]
/// (columns are dimensions), in Q8 the scales of the keys [256] and of the values [256].
/// Legend: KV heads, D head width, Dv = D rounded up to 32.
/// </summary>
public sealed unsafe class KeyValuePages : IDisposable
{
    /// <summary>Tokens of one page.</summary>
    public const int PageTokens = 256;

    /// <summary>Columns of one panel.</summary>
    internal const int PanelColumns = 32;

    private readonly List<KeyValuePage> pages = [];
    private AlignedBuffer<nint> table = new(16);

    /// <summary>An empty cache.</summary>
    public KeyValuePages(int heads, int headDim, KeyValueType type = KeyValueType.F32)
    {
        Heads = heads;
        HeadDim = headDim;
        Type = type;
    }

    /// <summary>KV.</summary>
    public int Heads { get; }

    /// <summary>D.</summary>
    public int HeadDim { get; }

    /// <summary>How elements are stored.</summary>
    public KeyValueType Type { get; }

    /// <summary>Number of tokens held.</summary>
    public int Length { get; private set; }

    internal nint* Table => table.Pointer;

    /// <summary>Bytes of one page.</summary>
    public int PageByteCount => checked(Heads * HeadBytes(HeadDim, Type));

    /// <summary>Pages in use.</summary>
    public int Count => pages.Count;

    /// <summary>Bytes that a cache of <paramref name="tokens"/> tokens occupies.</summary>
    public static long ByteCount(int heads, int headDim, long tokens, KeyValueType type) =>
        (tokens + PageTokens - 1) / PageTokens * heads * HeadBytes(headDim, type);

    /// <summary>Pages that <paramref name="tokens"/> tokens take.</summary>
    public static int PageCount(int tokens) => (tokens + PageTokens - 1) / PageTokens;

    /// <summary>Appends rows [row, row + count) of <paramref name="keys"/> and <paramref name="values"/> [T, KV, D]; keys are already rotated.</summary>
    public void Append(AlignedBuffer<float> keys, AlignedBuffer<float> values, int row, int count)
    {
        for (var i = 0; i < count; i++, Length++)
        {
            var page = PageFor(Length).Buffer.Pointer;
            var slot = Length % PageTokens;
            for (var head = 0; head < Heads; head++)
            {
                var source = (((row + i) * Heads) + head) * HeadDim;
                var part = page + ((nint)head * HeadBytes(HeadDim, Type));
                KeyValueRow.Store(keys.Span.Slice(source, HeadDim), Type, part + KeyOffset(slot), PanelColumns, PanelColumns * PanelColumns, Scale(part, slot));
                KeyValueRow.Store(
                    values.Span.Slice(source, HeadDim), Type, part + ValueOffset(slot), 1, PageTokens * PanelColumns, Scale(part, PageTokens + slot));
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
        var copy = new KeyValuePages(Heads, HeadDim, Type);
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
            var page = new KeyValuePage(PageByteCount);
            content.Slice(i * PageByteCount, PageByteCount).CopyTo(page.Bytes);
            Add(page);
        }

        Length = length;
    }

    /// <summary>Key and value of one token and head as they are stored, widened: [D] each.</summary>
    public void Read(int position, int head, Span<float> key, Span<float> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)Length, nameof(position));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)head, (uint)Heads, nameof(head));
        var slot = position % PageTokens;
        var part = pages[position / PageTokens].Buffer.Pointer + ((nint)head * HeadBytes(HeadDim, Type));
        KeyValueRow.Load(part + KeyOffset(slot), PanelColumns, PanelColumns * PanelColumns, Type, Scale(part, slot), key[..HeadDim]);
        KeyValueRow.Load(part + ValueOffset(slot), 1, PageTokens * PanelColumns, Type, Scale(part, PageTokens + slot), value[..HeadDim]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Length = 0;
        Truncate(0);
        table.Dispose();
    }

    internal static int PadToPanel(int headDim) => (headDim + PanelColumns - 1) / PanelColumns * PanelColumns;

    /// <summary>Bytes of one head in a page.</summary>
    internal static int HeadBytes(int headDim, KeyValueType type) =>
        checked(PageTokens * (((headDim + PadToPanel(headDim)) * type.ElementBytes()) + (2 * type.ScaleBytes())));

    private int KeyOffset(int slot) => ((slot / PanelColumns * HeadDim * PanelColumns) + (slot % PanelColumns)) * Type.ElementBytes();

    private int ValueOffset(int slot) => PageTokens * HeadDim * Type.ElementBytes() + (slot * PanelColumns * Type.ElementBytes());

    private float* Scale(byte* part, int index) => (float*)(part + (PageTokens * (HeadDim + PadToPanel(HeadDim)) * Type.ElementBytes())) + index;

    /// <summary>The page of a position that is about to be written.</summary>
    private KeyValuePage PageFor(int position)
    {
        var index = position / PageTokens;
        if (index == pages.Count)
        {
            Add(new KeyValuePage(PageByteCount));
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
