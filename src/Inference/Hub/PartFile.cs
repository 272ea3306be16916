namespace MiniMaxSharp.Inference;

/// <summary>
/// The received beginning of a file, in <c>NAME.KEY.part</c> beside its target. The key is the first 16 digits of the file's hash (of the commit,
/// where the hub gives no hash), so that a part is never continued with the bytes of another revision.
/// </summary>
internal sealed class PartFile : IAsyncDisposable
{
    private const int KeyLength = 16;
    private const string Suffix = ".part";
    private readonly HubFile file;
    private readonly string target;
    private readonly FileStream stream;
    private ContentHash? hash;

    private PartFile(HubFile file, string target, FileStream stream)
    {
        this.file = file;
        this.target = target;
        this.stream = stream;
        hash = NewHash();
    }

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    /// <summary>Name of the part of <paramref name="file"/>.</summary>
    public static string PathOf(string target, HubFile file) => $"{target}.{file.PartKey}{Suffix}";

    /// <summary>True for a name that parts have.</summary>
    public static bool IsPartName(string name) =>
        name.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase) && name.Length > Suffix.Length + KeyLength + 1
        && name[^(Suffix.Length + KeyLength + 1)] == '.' && name[^(Suffix.Length + KeyLength)..^Suffix.Length].All(char.IsAsciiHexDigit);

    /// <summary>Bytes of the part that can be continued; 0 when there is none.</summary>
    public static long ReusableBytes(string target, HubFile file)
    {
        var part = new FileInfo(PathOf(target, file));
        return part.Exists && file.Identity is not null && part.LinkTarget is null && part.Length <= file.Size ? part.Length : 0;
    }

    /// <summary>Deletes the parts of other revisions of the file.</summary>
    public static void DeleteOthers(string target, HubFile file)
    {
        var folder = Path.GetDirectoryName(target)!;
        var name = Path.GetFileName(target);
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, name + ".*" + Suffix) : [])
        {
            if (path.Length == target.Length + 1 + KeyLength + Suffix.Length && IsPartName(path) && path != PathOf(target, file))
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>Opens or makes the part and hashes what it has.</summary>
    /// <exception cref="InvalidInputException">Another process has it open.</exception>
    public static async Task<PartFile> OpenAsync(string target, HubFile file, CancellationToken cancellationToken)
    {
        var path = PathOf(target, file);
        var reusable = ReusableBytes(target, file);
        if (new FileInfo(path).LinkTarget is not null)
        {
            File.Delete(path);
        }

        var part = new PartFile(file, target, Open(path));
        try
        {
            if (reusable < part.stream.Length)
            {
                part.stream.SetLength(0);
            }

            if (part.hash is not null)
            {
                await part.hash.AppendAsync(part.stream, cancellationToken).ConfigureAwait(false);
            }

            part.Length = part.stream.Seek(0, SeekOrigin.End);
            return part;
        }
        catch
        {
            await part.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Adds bytes.</summary>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        hash?.Append(bytes.Span);
        Length += bytes.Length;
    }

    /// <summary>Throws all bytes away.</summary>
    public void Restart()
    {
        stream.SetLength(0);
        Length = 0;
        hash?.Dispose();
        hash = NewHash();
    }

    /// <summary>The hash of the bytes so far, or null where the hub gives none to compare with.</summary>
    public HubHash? CurrentHash() => hash?.Current();

    /// <summary>Gives the complete part its final name.</summary>
    public async Task PublishAsync()
    {
        stream.Flush(flushToDisk: true);
        await DisposeAsync().ConfigureAwait(false);
        File.Move(PathOf(target, file), target, overwrite: true);
    }

    /// <summary>Closes and deletes the part.</summary>
    public async Task DeleteAsync()
    {
        await DisposeAsync().ConfigureAwait(false);
        File.Delete(PathOf(target, file));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        hash?.Dispose();
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new InvalidInputException($"{path} is in use: {exception.Message} Wait for the other download of this model, or stop it.", exception);
        }
    }

    private ContentHash? NewHash() => file.Hash is { } expected ? new ContentHash(expected, file.Size) : null;
}
