using System.IO.MemoryMappedFiles;

namespace MiniMaxSharp.Kernels;

/// <summary>A file mapped into memory for reading. Pages are loaded when they are first touched; nothing is copied.</summary>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private byte* pointer;

    /// <summary>Maps <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The file is missing, empty or cannot be mapped.</exception>
    public MappedFile(string path)
    {
        Path = path;
        Length = new FileInfo(path).Length;
        if (Length == 0)
        {
            throw new IOException($"{path} is empty.");
        }

        file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
        view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        pointer += view.PointerOffset;
    }

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>Length in bytes.</summary>
    public long Length { get; }

    /// <summary>Bytes [offset, offset + length).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int length)
    {
        CheckRange(offset, length);
        return new ReadOnlySpan<byte>(pointer + offset, length);
    }

    /// <summary>The matrix [rows, columns] that starts at byte <paramref name="offset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the file.</exception>
    public Weight Matrix(long offset, DType type, int rows, int columns)
    {
        CheckRange(offset, rows * type.RowBytes(columns));
        return new Weight(pointer + offset, type, rows, columns, packed: false, mapped: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (pointer != null)
        {
            pointer = null;
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file.Dispose();
        }
    }

    private void CheckRange(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(pointer == null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
    }
}
