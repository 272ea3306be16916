using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>The hash of a file's content, taken while it arrives.</summary>
internal sealed class ContentHash : IDisposable
{
    private const int BufferBytes = 1 << 18;
    private readonly HubHash expected;
    private readonly IncrementalHash hash;

    /// <summary>Starts the hash of a file of <paramref name="size"/> bytes.</summary>
    public ContentHash(HubHash expected, long size)
    {
        this.expected = expected;
        hash = IncrementalHash.CreateHash(expected.IsGitBlob ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        if (expected.IsGitBlob)
        {
            hash.AppendData(Encoding.ASCII.GetBytes("blob " + size.ToString(CultureInfo.InvariantCulture) + "\0"));
        }
    }

    /// <summary>The next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => hash.AppendData(bytes);

    /// <summary>The hash of everything so far.</summary>
    public HubHash Current() => expected with { Hex = Convert.ToHexStringLower(hash.GetCurrentHash()) };

    /// <inheritdoc/>
    public void Dispose() => hash.Dispose();

    /// <summary>Appends all of a stream from its position on.</summary>
    public async Task AppendAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                Append(buffer.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>True when the file at <paramref name="path"/> has the expected hash.</summary>
    public static async Task<bool> MatchesAsync(string path, HubHash expected, long size, CancellationToken cancellationToken)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using var _ = stream.ConfigureAwait(false);
        using var hash = new ContentHash(expected, size);
        await hash.AppendAsync(stream, cancellationToken).ConfigureAwait(false);
        return hash.Current() == expected;
    }
}
