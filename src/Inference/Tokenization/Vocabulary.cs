using System.Buffers.Binary;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Bytes of each token and the way back from bytes to an id. Filled while a file is read, then only read, so it is safe for many threads.
/// All token bytes lie in one array; the index is an open-addressing table, so a look-up allocates nothing.
/// </summary>
internal sealed class Vocabulary
{
    /// <summary>Largest id that a file may use, so that a broken one cannot ask for a giant table.</summary>
    public const int LargestId = (1 << 24) - 1;

    private byte[] bytes = new byte[1 << 16];
    private int used;
    private int[] start = new int[1024];
    private int[] length = new int[1024];
    private (uint Hash, int IdPlusOne)[] index = new (uint, int)[2048];
    private int indexed;

    /// <summary>Largest id plus one.</summary>
    public int Size { get; private set; }

    /// <summary>Bytes of the longest token that <see cref="Find"/> can return.</summary>
    public int LongestIndexed { get; private set; }

    /// <summary>Whether the id has a token.</summary>
    public bool Contains(int id) => (uint)id < (uint)Size && length[id] > 0;

    /// <summary>Bytes of a token that is known to exist.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => this.bytes.AsSpan(start[id], length[id]);

    /// <summary>Id of the token with exactly these bytes, or -1. Tokens that were added without index are not found.</summary>
    public int Find(ReadOnlySpan<byte> bytes)
    {
        var index = this.index;
        var hash = Hash(bytes);
        for (var slot = hash & (uint)(index.Length - 1); ; slot = (slot + 1) & (uint)(index.Length - 1))
        {
            var (slotHash, idPlusOne) = index[slot];
            if (idPlusOne == 0)
            {
                return -1;
            }

            if (slotHash == hash && BytesOf(idPlusOne - 1).SequenceEqual(bytes))
            {
                return idPlusOne - 1;
            }
        }
    }

    /// <summary>
    /// Adds a token. The caller has checked that the id is free, that it is in 0..<see cref="LargestId"/>, that the bytes are not empty and,
    /// for an indexed token, that they are not known yet.
    /// </summary>
    public void Add(int id, ReadOnlySpan<byte> bytes, bool indexed)
    {
        Grow(ref this.bytes, used + bytes.Length);
        Grow(ref start, id + 1);
        Grow(ref length, id + 1);
        bytes.CopyTo(this.bytes.AsSpan(used));
        start[id] = used;
        length[id] = bytes.Length;
        used += bytes.Length;
        Size = Math.Max(Size, id + 1);
        if (indexed)
        {
            AddToIndex(id, bytes);
        }
    }

    private void AddToIndex(int id, ReadOnlySpan<byte> bytes)
    {
        LongestIndexed = Math.Max(LongestIndexed, bytes.Length);
        if (++this.indexed * 2 > this.index.Length)
        {
            var old = this.index;
            this.index = new (uint, int)[old.Length * 2];
            foreach (var (hash, idPlusOne) in old)
            {
                if (idPlusOne != 0)
                {
                    Place(hash, idPlusOne);
                }
            }
        }

        Place(Hash(bytes), id + 1);
    }

    private void Place(uint hash, int idPlusOne)
    {
        var slot = hash & (uint)(this.index.Length - 1);
        while (this.index[slot].IdPlusOne != 0)
        {
            slot = (slot + 1) & (uint)(this.index.Length - 1);
        }

        this.index[slot] = (hash, idPlusOne);
    }

    private static void Grow<T>(ref T[] array, int needed)
    {
        if (needed > array.Length)
        {
            Array.Resize(ref array, Math.Max(needed, array.Length * 2));
        }
    }

    private static uint Hash(ReadOnlySpan<byte> bytes)
    {
        const ulong Odd = 0x9E3779B97F4A7C15;
        var hash = (ulong)bytes.Length * Odd;
        var rest = bytes;
        for (; rest.Length >= 8; rest = rest[8..])
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(rest)) * Odd;
            hash ^= hash >> 32;
        }

        var tail = rest.Length switch
        {
            0 => 0UL,
            < 4 => rest[0] | ((ulong)rest[rest.Length >> 1] << 8) | ((ulong)rest[^1] << 16),
            _ => BinaryPrimitives.ReadUInt32LittleEndian(rest) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(rest[^4..]) << 32),
        };
        hash = (hash ^ tail) * Odd;
        return (uint)(hash >> 32) ^ (uint)(hash >> 48);
    }
}
