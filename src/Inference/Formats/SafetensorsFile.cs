using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// One safetensors file, mapped into memory: weights are read in place and never copied.
/// Everything that this class hands out dies with it.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    // Elements that one step of a copy handles: a span ends at 2^31 bytes, a tensor does not.
    private const int CopyElements = 1 << 20;
    private readonly MappedFile file;
    private readonly SafetensorsHeader header;

    private SafetensorsFile(MappedFile file, SafetensorsHeader header)
    {
        this.file = file;
        this.header = header;
    }

    /// <summary>Path of the file.</summary>
    public string Path => file.Path;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => header.Entries;

    /// <summary>The texts of <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>Maps <paramref name="path"/> and checks its header; the data is not touched.</summary>
    /// <exception cref="InvalidInputException">The file is missing, truncated or malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = Map(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Parse(HeaderJson(file), file.Length, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The entry of tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidInputException">The file has no such tensor.</exception>
    public SafetensorsEntry Entry(string name) => header.Entries.TryGetValue(name, out var entry)
        ? entry
        : throw new InvalidInputException(
            $"{Path} has no tensor {name}; it holds {Entries.Count} tensors, for example {Entries.Keys.FirstOrDefault("none")}. "
            + "The file may belong to another model or revision.");

    /// <summary>A tensor of one dimension as [1, n], or of two as [rows, columns], in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another rank, or an element type that is no weight type.</exception>
    public Weight Matrix(string name)
    {
        var entry = WeightEntry(name);
        return entry.Shape switch
        {
            [var n] => Map(entry, 0, 1, n),
            [var rows, var columns] => Map(entry, 0, rows, columns),
            _ => throw WrongRank(entry, "one or two dimensions"),
        };
    }

    /// <summary>Slice <paramref name="index"/> of a tensor [E, rows, columns], in place. The whole tensor may exceed 2^31 elements.</summary>
    /// <exception cref="InvalidInputException">No such tensor or slice, another rank, or an element type that is no weight type.</exception>
    public Weight Matrix(string name, int index)
    {
        var entry = WeightEntry(name);
        if (entry.Shape is not [var count, var rows, var columns])
        {
            throw WrongRank(entry, "three dimensions");
        }

        if ((uint)index >= (ulong)count)
        {
            throw new InvalidInputException(
                $"{Path}: tensor {name} has {count} slices; slice {index} was asked for. The file may belong to another model.");
        }

        return Map(entry, index * (entry.ByteCount / count), rows, columns);
    }

    /// <summary>The stored bytes of a tensor of less than 2 GiB, in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor, or it is larger.</exception>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var entry = Entry(name);
        return entry.ByteCount <= int.MaxValue
            ? file.Bytes(entry.Offset, (int)entry.ByteCount)
            : throw new InvalidInputException($"{Path}: tensor {name} has {entry.ByteCount:N0} bytes, too many for one span; read it in parts.");
    }

    /// <summary>Bytes [offset, offset + length) of a tensor of any size, in place.</summary>
    /// <exception cref="InvalidInputException">No such tensor.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public ReadOnlySpan<byte> Bytes(string name, long offset, int length)
    {
        var entry = Entry(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, entry.ByteCount - length);
        return file.Bytes(entry.Offset + offset, length);
    }

    /// <summary>A copy of a tensor of any shape as f32, widened exactly from F16 or BF16.</summary>
    /// <exception cref="InvalidInputException">No such tensor, another element type, or too many elements for an array.</exception>
    public float[] ReadF32(string name)
    {
        var entry = WeightEntry(name);
        var values = new float[CountForArray(entry)];
        var type = entry.Type!.Value;
        for (var start = 0; start < values.Length; start += CopyElements)
        {
            var part = values.AsSpan(start, Math.Min(CopyElements, values.Length - start));
            var bytes = file.Bytes(entry.Offset + ((long)start * type.ByteSize()), part.Length * type.ByteSize());
            Widen(bytes, type, part);
        }

        return values;
    }

    /// <summary>A copy of an I32 tensor of any shape, or of an I64 one whose values fit.</summary>
    /// <exception cref="InvalidInputException">
    /// No such tensor, another element type, a value that does not fit, or too many elements for an array.
    /// </exception>
    public int[] ReadI32(string name)
    {
        var entry = Entry(name);
        if (entry.Type is not (DType.I32 or DType.I64))
        {
            throw WrongType(entry, "I32 or I64");
        }

        var values = new int[CountForArray(entry)];
        var size = entry.Type.Value.ByteSize();
        for (var i = 0; i < values.Length; i++)
        {
            var bytes = file.Bytes(entry.Offset + ((long)i * size), size);
            var value = size == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : BinaryPrimitives.ReadInt64LittleEndian(bytes);
            values[i] = value == (int)value
                ? (int)value
                : throw new InvalidInputException(
                    $"{Path}: tensor {name} holds {value} at index {i}, which does not fit 32 bits. Write it with smaller numbers.");
        }

        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static MappedFile Map(string path)
    {
        if (!File.Exists(path))
        {
            throw new InvalidInputException(Directory.Exists(path)
                ? $"{path} is a folder, not a safetensors file. Name a file in it."
                : $"{path} does not exist. Check the path, or download the file.");
        }

        try
        {
            var length = new FileInfo(path).Length;
            return length > sizeof(ulong)
                ? new MappedFile(path)
                : throw new InvalidInputException($"{path} is {(length == 0 ? "empty" : "too short for a safetensors file")}. Download it again.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {exception.Message} Check the permissions and the disk.", exception);
        }
    }

    private static ReadOnlySpan<byte> HeaderJson(MappedFile file)
    {
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Bytes(0, sizeof(ulong)));
        if (file.Bytes(0, sizeof(ulong)).SequenceEqual("version "u8))
        {
            throw new InvalidInputException($"{file.Path} is a Git LFS pointer, not the file itself. Run \"git lfs pull\", or download the file.");
        }

        if (length > SafetensorsHeader.MaxBytes)
        {
            throw new InvalidInputException(
                $"{file.Path}: the header claims {length:N0} bytes; at most {SafetensorsHeader.MaxBytes:N0} are allowed. "
                + "This is no safetensors file, or it is damaged; download it again.");
        }

        var present = file.Length - sizeof(ulong);
        return (long)length <= present
            ? file.Bytes(sizeof(ulong), (int)length)
            : throw new InvalidInputException(
                $"{file.Path} is truncated or no safetensors file: the header claims {length:N0} bytes, but only {present:N0} follow. "
                + "Download it again.");
    }

    private static void Widen(ReadOnlySpan<byte> source, DType type, Span<float> destination)
    {
        if (type == DType.F32)
        {
            source.CopyTo(MemoryMarshal.AsBytes(destination));
            return;
        }

        var bits = MemoryMarshal.Cast<byte, ushort>(source);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = type == DType.BF16
                ? BitConverter.UInt32BitsToSingle((uint)bits[i] << 16)
                : (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }
    }

    private Weight Map(SafetensorsEntry entry, long offset, long rows, long columns) => rows <= int.MaxValue && columns <= int.MaxValue
        ? file.Matrix(entry.Offset + offset, entry.Type!.Value, (int)rows, (int)columns)
        : throw new InvalidInputException(
            $"{Path}: tensor {entry.Name} has the shape {SafetensorsEntry.Text(entry.Shape)}; a dimension above 2^31 - 1 is not supported.");

    private SafetensorsEntry WeightEntry(string name)
    {
        var entry = Entry(name);
        return entry.Type is DType.F32 or DType.F16 or DType.BF16 ? entry : throw WrongType(entry, "F32, F16 or BF16");
    }

    private int CountForArray(SafetensorsEntry entry) => entry.ElementCount <= Array.MaxLength
        ? (int)entry.ElementCount
        : throw new InvalidInputException($"{Path}: tensor {entry.Name} has {entry.ElementCount:N0} elements, too many for one array.");

    private InvalidInputException WrongType(SafetensorsEntry entry, string wanted) => new(
        $"{Path}: tensor {entry.Name} has {(entry.Type is null ? "the unknown dtype" : "the dtype")} {entry.TypeName}; {wanted} is needed here. "
        + "Use a checkpoint that is not quantised, or convert it.");

    private InvalidInputException WrongRank(SafetensorsEntry entry, string wanted) => new(
        $"{Path}: tensor {entry.Name} has the shape {SafetensorsEntry.Text(entry.Shape)}; {wanted} are needed. "
        + "The file may belong to another model.");
}
