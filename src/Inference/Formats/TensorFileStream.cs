namespace MiniMaxSharp.Inference;

/// <summary>
/// What the writers of safetensors and GGUF share: after a header the bytes of declared tensors follow, each in its turn, in chunks.
/// The bytes go to a temporary file beside <see cref="Path"/>; <see cref="Complete"/> renames it.
/// </summary>
internal sealed class TensorFileStream : IDisposable
{
    private readonly (string Name, long Bytes)[] tensors;
    private readonly int alignment;
    private readonly FileStream stream;
    private int current;
    private long written;
    private bool published;

    /// <summary>Creates the temporary file and writes the header.</summary>
    /// <param name="path">The file to be made; an existing one is replaced by <see cref="Complete"/>.</param>
    /// <param name="header">Bytes before the first tensor, padded by the caller.</param>
    /// <param name="tensors">Name and bytes of what will be written, in this order.</param>
    /// <param name="alignment">Each tensor is padded with zeros to a multiple of this.</param>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public TensorFileStream(string path, ReadOnlySpan<byte> header, IEnumerable<(string Name, long Bytes)> tensors, int alignment)
    {
        Path = path;
        this.tensors = [.. tensors];
        this.alignment = alignment;
        stream = new FileStream(TemporaryPath, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        try
        {
            stream.Write(header);
            SkipFinished();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file to be made.</summary>
    public string Path { get; }

    private string TemporaryPath => Path + ".tmp";

    /// <summary>Writes the next bytes of tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidOperationException">It is not this tensor's turn, or these are too many bytes.</exception>
    public void Write(string name, ReadOnlySpan<byte> chunk)
    {
        if (chunk.IsEmpty)
        {
            return;
        }

        if (current == tensors.Length || tensors[current].Name != name || chunk.Length > tensors[current].Bytes - written)
        {
            throw new InvalidOperationException($"{Path}: {chunk.Length:N0} bytes of {name} were written; {Expected()} is expected.");
        }

        stream.Write(chunk);
        written += chunk.Length;
        SkipFinished();
    }

    /// <summary>Closes the file and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">Data is missing.</exception>
    public void Complete()
    {
        Close();
        Publish();
    }

    /// <summary>The first half of <see cref="Complete"/>: everything is on disk, under the temporary name.</summary>
    public void Close()
    {
        if (current < tensors.Length)
        {
            throw new InvalidOperationException($"{Path}: data is missing; {Expected()} is expected.");
        }

        stream.Dispose();
    }

    /// <summary>The second half of <see cref="Complete"/>.</summary>
    public void Publish()
    {
        File.Move(TemporaryPath, Path, overwrite: true);
        published = true;
    }

    /// <summary>Removes the temporary file when the file was not completed.</summary>
    public void Dispose()
    {
        try
        {
            stream.Dispose();
        }
        finally
        {
            if (!published)
            {
                File.Delete(TemporaryPath);
            }
        }
    }

    private string Expected() => current == tensors.Length ? "nothing more"
        : $"{tensors[current].Name} from byte {written:N0} of {tensors[current].Bytes:N0}";

    /// <summary>Pads a finished tensor and goes on to the next that needs data; tensors without elements need none.</summary>
    private void SkipFinished()
    {
        while (current < tensors.Length && written == tensors[current].Bytes)
        {
            stream.Write(new byte[(alignment - (written % alignment)) % alignment]);
            current++;
            written = 0;
        }
    }
}
