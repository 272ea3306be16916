using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// One stored prefix: header, tokens, lightning states, and the key/value pages that the file of a shorter prefix does not have; SHA-256 of it all at the end.
/// Little-endian. Header: magic "MMXS", version, grid, bytes of a page of each layer kind (stands for the types of the numbers), model and tokenizer hash,
/// number of tokens, number of tokens of the shorter prefix (0: none), length of the file.
/// </summary>
internal static class SessionFile
{
    private const uint Magic = 0x53584D4D;
    private const int Version = 1;
    private const int HashBytes = 32;
    private const int HeaderBytes = (4 * sizeof(int)) + (2 * HashBytes) + (2 * sizeof(int)) + sizeof(long);
    private const int ChunkBytes = 1 << 20;

    /// <summary>Writes <paramref name="path"/> whole, or not at all.</summary>
    public static void Write(string path, ModelFingerprint fingerprint, ReadOnlySpan<int> tokens, int storedBefore, SequenceState state)
    {
        var temporary = path + ".tmp";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, ChunkBytes))
        using (var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
        {
            Append(Header(fingerprint, tokens.Length, storedBefore, state));
            Append(MemoryMarshal.AsBytes(tokens));
            foreach (var layer in state.Layers)
            {
                if (layer is LightningState lightning)
                {
                    Append(MemoryMarshal.AsBytes(lightning.Buffer.Span));
                    continue;
                }

                var pages = ((KeyValueState)layer).Pages;
                for (var page = storedBefore / KeyValuePages.PageTokens; page < pages.Count; page++)
                {
                    Append(pages.PageBytes(page));
                }
            }

            stream.Write(hash.GetHashAndReset());

            void Append(ReadOnlySpan<byte> bytes)
            {
                stream.Write(bytes);
                hash.AppendData(bytes);
            }
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>The tokens of a file, and how many of them the file before it holds. False: it is incomplete, or of another model or version.</summary>
    public static bool TryReadTokens(string path, ModelFingerprint fingerprint, SequenceState empty, out int[] tokens, out int storedBefore)
    {
        tokens = [];
        storedBefore = 0;
        try
        {
            using var file = new MappedFile(path);
            if (file.Length < HeaderBytes + HashBytes)
            {
                return false;
            }

            var header = file.Bytes(0, HeaderBytes);
            var (count, before) = (Int(header, 80), Int(header, 84));
            if (count <= 0 || before < 0 || before >= count || count > (file.Length - HeaderBytes) / sizeof(int)
                || !header.SequenceEqual(Header(fingerprint, count, before, empty)) || Length(count, before, empty) != file.Length)
            {
                return false;
            }

            tokens = MemoryMarshal.Cast<byte, int>(file.Bytes(HeaderBytes, count * sizeof(int))).ToArray();
            storedBefore = before;
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>
    /// Fills <paramref name="state"/>, whose key/value pages hold the stored prefix before, cut to whole pages. False: the checksum is wrong.
    /// </summary>
    public static bool TryRead(string path, int count, int storedBefore, SequenceState state, bool withLightning)
    {
        using var file = new MappedFile(path);
        if (file.Length != Length(count, storedBefore, state) || !ChecksumFits(file))
        {
            return false;
        }

        var offset = HeaderBytes + ((long)count * sizeof(int));
        foreach (var layer in state.Layers)
        {
            if (layer is LightningState lightning)
            {
                var target = MemoryMarshal.AsBytes(lightning.Buffer.Span);
                if (withLightning)
                {
                    file.Bytes(offset, target.Length).CopyTo(target);
                }

                offset += target.Length;
                continue;
            }

            var pages = ((KeyValueState)layer).Pages;
            var firstPage = storedBefore / KeyValuePages.PageTokens;
            for (var page = firstPage; page < KeyValuePages.PageCount(count); page++, offset += pages.PageByteCount)
            {
                pages.AppendPages(file.Bytes(offset, pages.PageByteCount), Math.Min(count, (page + 1) * KeyValuePages.PageTokens));
            }
        }

        return true;
    }

    private static long Length(int count, int storedBefore, SequenceState state)
    {
        var bytes = HeaderBytes + HashBytes + ((long)count * sizeof(int));
        var pages = KeyValuePages.PageCount(count) - (storedBefore / KeyValuePages.PageTokens);
        foreach (var layer in state.Layers)
        {
            bytes += layer is KeyValueState keyValue ? (long)pages * keyValue.Pages.PageByteCount : layer.ByteCount;
        }

        return bytes;
    }

    private static byte[] Header(ModelFingerprint fingerprint, int count, int storedBefore, SequenceState state)
    {
        var header = new byte[HeaderBytes];
        Put(0, unchecked((int)Magic));
        Put(4, Version);
        Put(8, LightningAttention.BlockTokens);
        Put(12, state.Layers.OfType<KeyValueState>().FirstOrDefault()?.Pages.PageByteCount ?? 0);
        fingerprint.Model.CopyTo(header, 16);
        fingerprint.Tokenizer.CopyTo(header, 16 + HashBytes);
        Put(80, count);
        Put(84, storedBefore);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(88), Length(count, storedBefore, state));
        return header;

        void Put(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(at), value);
    }

    private static int Int(ReadOnlySpan<byte> header, int at) => BinaryPrimitives.ReadInt32LittleEndian(header[at..]);

    private static bool ChecksumFits(MappedFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var content = file.Length - HashBytes;
        for (var offset = 0L; offset < content; offset += ChunkBytes)
        {
            hash.AppendData(file.Bytes(offset, (int)Math.Min(ChunkBytes, content - offset)));
        }

        return file.Bytes(content, HashBytes).SequenceEqual(hash.GetHashAndReset());
    }
}
