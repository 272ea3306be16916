using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>
/// The records of a JSONL or Parquet file, read from disk one by one. Records lie in blocks that are cheap to read in any order inside
/// (the whole of a JSONL file, a row group of Parquet).
/// </summary>
public abstract class RecordFile : IDisposable
{
    private protected RecordFile(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Number of records.</summary>
    public long Count => BlockStarts[^1];

    /// <summary>First record of each block, and at the end the number of records.</summary>
    public IReadOnlyList<long> BlockStarts { get; private protected init; } = [0, 0];

    /// <summary>Opens a file by its name: <c>.parquet</c>, otherwise JSON lines.</summary>
    /// <exception cref="InvalidInputException">It cannot be read or is malformed.</exception>
    public static RecordFile Open(string path)
    {
        try
        {
            return System.IO.Path.GetExtension(path).Equals(".parquet", StringComparison.OrdinalIgnoreCase) ? new ParquetFile(path) : new JsonLinesFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>One record as an object of its fields.</summary>
    /// <exception cref="InvalidInputException">The record is malformed; the message names its place.</exception>
    public abstract JsonElement Read(long record);

    /// <summary>Names a record for messages.</summary>
    public abstract string Place(long record);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the file.</summary>
    protected abstract void Dispose(bool disposing);
}
