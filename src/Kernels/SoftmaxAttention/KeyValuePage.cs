namespace MiniMaxSharp.Kernels;

/// <summary>
/// One page of keys and values, shared by all caches that hold the same tokens. A cache writes only to a page that it holds alone,
/// so what one has read never changes under it.
/// </summary>
/// <param name="buffer">The elements, laid out as <see cref="KeyValuePages"/> says; the page frees them.</param>
internal sealed class KeyValuePage(AlignedBuffer<byte> buffer)
{
    private int holders = 1;

    /// <summary>An empty page.</summary>
    public KeyValuePage(int bytes)
        : this(new AlignedBuffer<byte>(bytes))
    {
    }

    /// <summary>The elements.</summary>
    public AlignedBuffer<byte> Buffer => buffer;

    /// <summary>True while more than one cache holds the page.</summary>
    public bool IsShared => Volatile.Read(ref holders) > 1;

    /// <summary>Size in bytes.</summary>
    public int ByteCount => Buffer.Length;

    /// <summary>The content as it is stored.</summary>
    public Span<byte> Bytes => Buffer.Span;

    /// <summary>One more cache holds the page.</summary>
    public KeyValuePage Share()
    {
        Interlocked.Increment(ref holders);
        return this;
    }

    /// <summary>One cache less holds the page; the last one frees it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref holders) == 0)
        {
            Buffer.Dispose();
        }
    }

    /// <summary>A page of the same content that nobody else holds.</summary>
    public KeyValuePage Copy() => new(new AlignedBuffer<byte>(Buffer.Span));
}
