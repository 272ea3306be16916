using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// One GGUF file, mapped into memory: metadata and tensors of any architecture. Weights are read in place and never copied.
/// Everything that this class hands out dies with it.
/// </summary>
public sealed class GgufFile : IDisposable
{
    private readonly MappedFile file;
    private readonly GgufHeader header;

    private GgufFile(MappedFile file, GgufHeader header)
    {
        this.file = file;
        this.header = header;
    }

    /// <summary>Path of the file.</summary>
    public string Path => file.Path;

    /// <summary>Length in bytes.</summary>
    public long Length => file.Length;

    /// <summary>Version of the format, 2 or 3.</summary>
    public int Version => (int)header.Version;

    /// <summary>Tensors begin at multiples of this many bytes.</summary>
    public int Alignment => (int)header.Alignment;

    /// <summary>The metadata.</summary>
    public GgufMetadata Metadata => header.Metadata;

    /// <summary>The tensors by name, in the order of the file.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => header.Tensors;

    /// <summary>True for a path that names a GGUF file by its ending; a folder or another file is a safetensors model.</summary>
    public static bool IsGgufPath(string path) =>
        path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path);

    /// <summary>Maps <paramref name="path"/> and checks its header; the data is not touched.</summary>
    /// <exception cref="InvalidInputException">The file is missing, truncated or malformed.</exception>
    public static GgufFile Open(string path)
    {
        var file = Map(path);
        try
        {
            return new GgufFile(file, GgufHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The entry of tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public GgufTensor Tensor(string name) => Tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new InvalidInputException(
            $"{Path} has no tensor {name}; it holds {Tensors.Count} tensors, for example {Tensors.Keys.FirstOrDefault("none")}. "
            + "The file is incomplete or belongs to another model.");

    /// <summary>A tensor of one dimension as [1, n], or of two as [rows, columns], in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another rank, or an element type that is no weight type here.</exception>
    public Weight Matrix(string name)
    {
        var tensor = Tensor(name);
        return tensor.Shape switch
        {
            [var columns] => Map(tensor, 0, 1, columns),
            [var rows, var columns] => Map(tensor, 0, rows, columns),
            _ => throw WrongRank(tensor, "one or two dimensions"),
        };
    }

    /// <summary>Slice <paramref name="index"/> of a tensor [E, rows, columns], in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor or slice, another rank, or an element type that is no weight type here.</exception>
    public Weight Matrix(string name, int index)
    {
        var tensor = Tensor(name);
        if (tensor.Shape is not [var count, var rows, var columns])
        {
            throw WrongRank(tensor, "three dimensions");
        }

        return (uint)index < (ulong)count
            ? Map(tensor, index * (tensor.ByteCount / count), rows, columns)
            : throw new InvalidInputException(
                $"{Path}: tensor {name} has {count} slices; slice {index} was asked for. The file may belong to another model.");
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static MappedFile Map(string path)
    {
        if (!File.Exists(path))
        {
            throw new InvalidInputException(Directory.Exists(path)
                ? $"{path} is a folder, not a GGUF file. Name a file in it."
                : $"{path} does not exist. Check the path, or download the file.");
        }

        try
        {
            return new FileInfo(path).Length > 0 ? new MappedFile(path) : throw new InvalidInputException($"{path} is empty. Download it again.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {exception.Message} Check the permissions and the disk.", exception);
        }
    }

    private Weight Map(GgufTensor tensor, long offset, long rows, long columns)
    {
        if (tensor.Type.Type is not { } type || !IsWeight(type))
        {
            throw new InvalidInputException(
                $"{Path}: tensor {tensor.Name} has the type {tensor.Type.Number} ({tensor.Type.Name}), which is not supported. "
                + $"Supported: {string.Join(", ", Enum.GetValues<DType>().Where(IsWeight))}. Use a file of one of these types.");
        }

        return rows is > 0 and <= int.MaxValue && columns is > 0 and <= int.MaxValue
            ? file.Matrix(tensor.Offset + offset, type, (int)rows, (int)columns)
            : throw new InvalidInputException(
                $"{Path}: tensor {tensor.Name} has the dimensions {SafetensorsEntry.Text(tensor.Dimensions)}; sizes from 1 to 2^31 - 1 are supported.");
    }

    private static bool IsWeight(DType type) => type is not (DType.I32 or DType.I64);

    private InvalidInputException WrongRank(GgufTensor tensor, string wanted) => new(
        $"{Path}: tensor {tensor.Name} has the dimensions {SafetensorsEntry.Text(tensor.Dimensions)}; {wanted} are needed. "
        + "The file may belong to another model.");
}
