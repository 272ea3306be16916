namespace MiniMaxSharp.Kernels;

/// <summary>
/// Keys and values of one sequence in one softmax layer, in f32 pages of 256 tokens: keys transposed [KV, D, 256] so that scores are
/// computed for 16 keys at a time, values [KV, 256, Dp]. Legend: KV heads, D head width, Dp = D rounded up to 16.
/// </summary>
public sealed unsafe class KeyValuePages : IDisposable
{
    /// <summary>Tokens of one page.</summary>
    public const int PageTokens = 256;

    private readonly List<AlignedBuffer<float>> pages = [];
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

    private int KeyFloats => Heads * HeadDim * PageTokens;

    /// <summary>Bytes that a cache of <paramref name="tokens"/> tokens occupies.</summary>
    public static long ByteCount(int heads, int headDim, long tokens) =>
        (tokens + PageTokens - 1) / PageTokens * PageTokens * heads * ((long)headDim + TileMatMul.Pad(headDim)) * sizeof(float);

    /// <summary>Appends rows [row, row + count) of <paramref name="keys"/> and <paramref name="values"/> [T, KV, D]; keys are already rotated.</summary>
    public void Append(AlignedBuffer<float> keys, AlignedBuffer<float> values, int row, int count)
    {
        for (var i = 0; i < count; i++, Length++)
        {
            var page = PageFor(Length);
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
        for (var kept = (length + PageTokens - 1) / PageTokens; pages.Count > kept; pages.RemoveAt(pages.Count - 1))
        {
            pages[^1].Dispose();
        }
    }

    /// <summary>A copy that grows on its own.</summary>
    public KeyValuePages Clone()
    {
        var copy = new KeyValuePages(Heads, HeadDim);
        for (; copy.Length < Length; copy.Length = Math.Min(Length, copy.Length + PageTokens))
        {
            pages[copy.Length / PageTokens].Span.CopyTo(copy.PageFor(copy.Length).Span);
        }

        return copy;
    }

    /// <summary>Key and value of one token and head, [D] each.</summary>
    public void Read(int position, int head, Span<float> key, Span<float> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)Length, nameof(position));
        var page = pages[position / PageTokens].Span;
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

    private AlignedBuffer<float> PageFor(int position)
    {
        var index = position / PageTokens;
        if (index == pages.Count)
        {
            pages.Add(new AlignedBuffer<float>(checked(KeyFloats + (Heads * PageTokens * PaddedDim))));
            if (index == table.Length)
            {
                var larger = new AlignedBuffer<nint>(table.Length * 2);
                table.Span.CopyTo(larger.Span);
                table.Dispose();
                table = larger;
            }

            table.Span[index] = (nint)pages[index].Pointer;
        }

        return pages[index];
    }
}
