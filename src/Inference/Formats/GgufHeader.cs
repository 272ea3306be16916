using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Reads the header of a GGUF file (version 2 or 3, little endian): metadata and the list of tensors. No count of the file is believed
/// before the bytes that it stands for are known to be there, so a damaged file cannot ask for much memory.
/// </summary>
internal sealed class GgufHeader
{
    private const string Mend = "The file is damaged or incomplete; download or convert it again.";
    private const int MaxDimensions = 4;
    private const int DeepestArray = 4;
    private const uint DefaultAlignment = 32;
    private readonly MappedFile file;
    private readonly Dictionary<string, GgufValue> values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GgufTensor> tensors = new(StringComparer.Ordinal);
    private long position;

    private GgufHeader(MappedFile file)
    {
        this.file = file;
        Metadata = new GgufMetadata(values, file.Path);
    }

    public GgufMetadata Metadata { get; }

    public IReadOnlyDictionary<string, GgufTensor> Tensors => tensors;

    public uint Version { get; private set; }

    public uint Alignment { get; private set; } = DefaultAlignment;

    /// <summary>Reads and checks the header of <paramref name="file"/>.</summary>
    /// <exception cref="InvalidInputException">It is malformed.</exception>
    public static GgufHeader Read(MappedFile file)
    {
        var header = new GgufHeader(file);
        header.Read();
        return header;
    }

    private void Read()
    {
        ReadVersion();
        var tensorCount = UInt64("the number of tensors");
        var valueCount = UInt64("the number of metadata values");
        for (var i = 0UL; i < valueCount; i++)
        {
            var key = Text("a metadata key");
            var type = (GgufValueType)UInt32(key);
            if (key.Length == 0 || !values.TryAdd(key, Value(key, type, depth: 0)))
            {
                throw Bad(key.Length == 0 ? "a metadata key is empty." : $"the metadata key {key} stands twice.");
            }
        }

        ReadAlignment();
        var pending = new List<(string Name, GgmlType Type, long[] Dimensions, ulong Offset)>();
        for (var i = 0UL; i < tensorCount; i++)
        {
            pending.Add(TensorEntry());
        }

        var dataStart = (position + Alignment - 1) / Alignment * Alignment;
        foreach (var (name, type, dimensions, offset) in pending)
        {
            if (!tensors.TryAdd(name, Locate(name, type, dimensions, offset, dataStart)))
            {
                throw Bad($"the tensor {name} stands twice.");
            }
        }

        CheckOverlaps();
    }

    private void ReadVersion()
    {
        var magic = Take(4, "the magic number");
        if (!magic.SequenceEqual("GGUF"u8))
        {
            throw new InvalidInputException(magic.SequenceEqual("vers"u8)
                ? $"{file.Path} is a Git LFS pointer, not the file itself. Run \"git lfs pull\", or download the file."
                : $"{file.Path} is no GGUF file: it does not begin with \"GGUF\". Name a .gguf file.");
        }

        Version = UInt32("the version");
        if (Version is not (2 or 3))
        {
            throw new InvalidInputException((Version & 0xFFFF) == 0 && Version != 0
                ? $"{file.Path} is a big-endian GGUF file, which is not supported. Convert the model again on a little-endian machine."
                : $"{file.Path} is a GGUF file of version {Version}; versions 2 and 3 are supported. Convert the model again.");
        }
    }

    private GgufValue Value(string key, GgufValueType type, int depth) => type switch
    {
        GgufValueType.UInt8 => new(type, Take(1, key)[0]),
        GgufValueType.Int8 => new(type, (sbyte)Take(1, key)[0]),
        GgufValueType.UInt16 => new(type, BinaryPrimitives.ReadUInt16LittleEndian(Take(2, key))),
        GgufValueType.Int16 => new(type, BinaryPrimitives.ReadInt16LittleEndian(Take(2, key))),
        GgufValueType.UInt32 => new(type, UInt32(key)),
        GgufValueType.Int32 => new(type, (int)UInt32(key)),
        GgufValueType.Float32 => new(type, BinaryPrimitives.ReadSingleLittleEndian(Take(4, key))),
        GgufValueType.Bool => new(type, Bool(key)),
        GgufValueType.Text => new(type, Text(key)),
        GgufValueType.Array => ArrayOf(key, depth),
        GgufValueType.UInt64 => new(type, UInt64(key)),
        GgufValueType.Int64 => new(type, (long)UInt64(key)),
        GgufValueType.Float64 => new(type, BinaryPrimitives.ReadDoubleLittleEndian(Take(8, key))),
        _ => throw Bad($"{key} has a value of the unknown kind {(uint)type}."),
    };

    private GgufValue ArrayOf(string key, int depth)
    {
        if (depth == DeepestArray)
        {
            throw Bad($"the lists of {key} are nested more than {DeepestArray} deep.");
        }

        var type = (GgufValueType)UInt32(key);
        var length = UInt64(key);
        object content = type switch
        {
            GgufValueType.UInt8 => Numbers<byte>(key, length),
            GgufValueType.Int8 => Numbers<sbyte>(key, length),
            GgufValueType.UInt16 => Numbers<ushort>(key, length),
            GgufValueType.Int16 => Numbers<short>(key, length),
            GgufValueType.UInt32 => Numbers<uint>(key, length),
            GgufValueType.Int32 => Numbers<int>(key, length),
            GgufValueType.Float32 => Numbers<float>(key, length),
            GgufValueType.UInt64 => Numbers<ulong>(key, length),
            GgufValueType.Int64 => Numbers<long>(key, length),
            GgufValueType.Float64 => Numbers<double>(key, length),
            GgufValueType.Bool => Elements(key, length, leastBytes: 1, () => Bool(key)),
            GgufValueType.Text => Elements(key, length, leastBytes: sizeof(ulong), () => Text(key)),
            GgufValueType.Array => Elements(key, length, leastBytes: sizeof(uint) + sizeof(ulong), () => ArrayOf(key, depth + 1)),
            _ => throw Bad($"{key} is a list of the unknown kind {(uint)type}."),
        };
        return new GgufValue(GgufValueType.Array, content);
    }

    private T[] Numbers<T>(string key, ulong length)
        where T : unmanaged, INumber<T> => MemoryMarshal.Cast<byte, T>(Take(CheckCount(key, length, Unsafe.SizeOf<T>()), key)).ToArray();

    private T[] Elements<T>(string key, ulong length, int leastBytes, Func<T> read)
    {
        CheckCount(key, length, leastBytes);
        var elements = new T[length];
        for (var i = 0; i < elements.Length; i++)
        {
            elements[i] = read();
        }

        return elements;
    }

    /// <summary>Bytes that this many elements need at least; they must be there.</summary>
    private int CheckCount(string what, ulong count, int elementBytes)
    {
        var most = Math.Min((ulong)(file.Length - position) / (ulong)elementBytes, int.MaxValue / (ulong)elementBytes);
        return count <= most
            ? (int)count * elementBytes
            : throw Bad($"{what} claims {count:N0} elements, but only {file.Length - position:N0} bytes follow.");
    }

    private bool Bool(string key) => Take(1, key)[0] switch
    {
        0 => false,
        1 => true,
        var other => throw Bad($"{key} holds the truth value {other}; 0 or 1 is expected."),
    };

    private void ReadAlignment()
    {
        if (Metadata.Find("general.alignment") is not { } value)
        {
            return;
        }

        // 8 is the least of the format; the upper bound only keeps sums small.
        Alignment = value.Content is uint alignment and >= 8 and <= 1 << 20 && BitOperations.IsPow2(alignment)
            ? alignment
            : throw Metadata.Unexpected("general.alignment", value, "a power of two from 8 to 1,048,576");
    }

    private (string Name, GgmlType Type, long[] Dimensions, ulong Offset) TensorEntry()
    {
        var name = Text("a tensor name");
        var count = UInt32(name);
        if (count is 0 or > MaxDimensions)
        {
            throw Bad($"tensor {name} has {count} dimensions; 1 to {MaxDimensions} are possible.");
        }

        var dimensions = new long[count];
        for (var i = 0; i < dimensions.Length; i++)
        {
            dimensions[i] = (long)UInt64(name);
            if (dimensions[i] < 0)
            {
                throw Bad($"tensor {name} has a dimension of {(ulong)dimensions[i]:N0} elements.");
            }
        }

        var number = UInt32(name);
        var type = GgmlType.Find(number)
            ?? throw new InvalidInputException(
                $"{file.Path}: tensor {name} has the type {number}, which is not known. The file is damaged, or newer than this program.");
        return (name, type, dimensions, UInt64(name));
    }

    private GgufTensor Locate(string name, GgmlType type, long[] dimensions, ulong offset, long dataStart)
    {
        var bytes = type.ByteCount(dimensions[0], dimensions.AsSpan(1))
            ?? throw Bad($"tensor {name} of type {type.Name} cannot have the dimensions {SafetensorsEntry.Text(dimensions)}.");
        if (offset % Alignment != 0)
        {
            throw Bad($"tensor {name} begins at byte {offset:N0} of the data, which is no multiple of the alignment {Alignment}.");
        }

        var room = Math.Max(0, file.Length - dataStart);
        return offset <= (ulong)room && bytes <= room - (long)offset
            ? new GgufTensor(name, type, dimensions, dataStart + (long)offset, bytes)
            : throw new InvalidInputException(
                $"{file.Path} is truncated: tensor {name} needs {bytes:N0} bytes from byte {(UInt128)dataStart + offset:N0} on, "
                + $"but the file ends at {file.Length:N0}. Download or convert it again.");
    }

    private void CheckOverlaps()
    {
        GgufTensor? previous = null;
        foreach (var tensor in tensors.Values.Where(t => t.ByteCount > 0).OrderBy(t => t.Offset))
        {
            if (previous is not null && tensor.Offset < previous.Offset + previous.ByteCount)
            {
                throw Bad($"tensor {tensor.Name} overlaps tensor {previous.Name}.");
            }

            previous = tensor;
        }
    }

    private string Text(string what)
    {
        var bytes = Take(CheckCount(what, UInt64(what), elementBytes: 1), what);
        return Encoding.UTF8.GetString(bytes);
    }

    private uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint), what));

    private ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong), what));

    private ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > file.Length - position)
        {
            throw new InvalidInputException($"{file.Path} is truncated: it ends inside {what}, at byte {file.Length:N0}. Download or convert it again.");
        }

        var bytes = file.Bytes(position, count);
        position += count;
        return bytes;
    }

    private InvalidInputException Bad(string what) => new($"{file.Path}: {what} {Mend}");
}
