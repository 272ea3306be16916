using System.Numerics;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Writes one GGUF file (version 3, little endian, alignment 32): metadata and tensors are declared first, then the bytes of the tensors follow
/// in that order, in chunks. The bytes go to a temporary file beside <see cref="Path"/>; <see cref="Complete"/> renames it.
/// The same input gives the same bytes.
/// </summary>
public sealed class GgufWriter : IDisposable
{
    private const int Alignment = 32;
    private readonly TensorFileStream stream;

    /// <summary>Creates the temporary file and writes the header.</summary>
    /// <param name="path">The file to be made; an existing one is replaced by <see cref="Complete"/>.</param>
    /// <param name="metadata">Keys and values, in this order.</param>
    /// <param name="tensors">What will be written, in this order; shapes are outermost first, as everywhere.</param>
    /// <exception cref="ArgumentException">A key or name occurs twice, or a row is no whole number of blocks.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public GgufWriter(string path, IReadOnlyList<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<TensorDeclaration> tensors)
    {
        using var header = new MemoryStream();
        WriteHeader(header, metadata, tensors);
        stream = new TensorFileStream(path, header.ToArray(), tensors.Select(static tensor => (tensor.Name, ByteCount(tensor))), Alignment);
    }

    /// <summary>The file to be made.</summary>
    public string Path => stream.Path;

    /// <summary>Bytes that the data of a tensor takes in the file, without the padding after it.</summary>
    /// <exception cref="ArgumentException">A row is no whole number of blocks, or the size overflows.</exception>
    public static long ByteCount(TensorDeclaration tensor) =>
        GgmlType.Of(tensor.Type).ByteCount(tensor.Shape[^1], tensor.Shape.AsSpan(..^1))
        ?? throw new ArgumentException($"A {tensor.Type} tensor cannot have the shape {SafetensorsEntry.Text(tensor.Shape)}: {tensor.Name}.", nameof(tensor));

    /// <summary>Writes the next bytes of tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidOperationException">It is not this tensor's turn, or these are too many bytes.</exception>
    public void Write(string name, ReadOnlySpan<byte> chunk) => stream.Write(name, chunk);

    /// <summary>Closes the file and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">Data is missing.</exception>
    public void Complete() => stream.Complete();

    /// <summary>Removes the temporary file when the writer was not completed.</summary>
    public void Dispose() => stream.Dispose();

    private static void WriteHeader(Stream header, IReadOnlyList<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<TensorDeclaration> tensors)
    {
        header.Write("GGUF"u8);
        WriteNumber(header, 3u);
        WriteNumber(header, (ulong)tensors.Count);
        WriteNumber(header, (ulong)metadata.Count);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, value) in metadata)
        {
            CheckNew(keys, key, nameof(metadata));
            WriteText(header, key);
            WriteNumber(header, (uint)value.Type);
            WriteValue(header, value);
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            CheckNew(names, tensor.Name, nameof(tensors));
            WriteText(header, tensor.Name);
            WriteNumber(header, (uint)tensor.Shape.Length);
            foreach (var size in tensor.Shape.Reverse())
            {
                WriteNumber(header, size);
            }

            WriteNumber(header, GgmlType.Of(tensor.Type).Number);
            WriteNumber(header, offset);
            offset += Padded(ByteCount(tensor));
        }

        header.Write(new byte[Padded(header.Length) - header.Length]);
    }

    private static void CheckNew(HashSet<string> names, string name, string parameter)
    {
        if (!names.Add(name))
        {
            throw new ArgumentException($"{name} is declared twice.", parameter);
        }
    }

    private static void WriteValue(Stream header, GgufValue value)
    {
        if (value.Type == GgufValueType.Array)
        {
            var list = (Array)value.Content;
            WriteNumber(header, (uint)value.ElementType!.Value);
            WriteNumber(header, (ulong)list.Length);
            foreach (var element in list)
            {
                WriteScalar(header, element);
            }

            return;
        }

        WriteScalar(header, value.Content);
    }

    private static void WriteScalar(Stream header, object content)
    {
        switch (content)
        {
            case byte number: WriteNumber(header, number); break;
            case sbyte number: WriteNumber(header, number); break;
            case ushort number: WriteNumber(header, number); break;
            case short number: WriteNumber(header, number); break;
            case uint number: WriteNumber(header, number); break;
            case int number: WriteNumber(header, number); break;
            case ulong number: WriteNumber(header, number); break;
            case long number: WriteNumber(header, number); break;
            case float number: WriteNumber(header, BitConverter.SingleToUInt32Bits(number)); break;
            case double number: WriteNumber(header, BitConverter.DoubleToUInt64Bits(number)); break;
            case bool flag: header.WriteByte(flag ? (byte)1 : (byte)0); break;
            case string text: WriteText(header, text); break;
            case GgufValue nested: WriteValue(header, nested); break;
            default: throw new ArgumentException($"{content.GetType()} is no metadata value.", nameof(content));
        }
    }

    private static void WriteText(Stream header, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        WriteNumber(header, (ulong)utf8.Length);
        header.Write(utf8);
    }

    private static void WriteNumber<T>(Stream header, T number)
        where T : unmanaged, IBinaryInteger<T>
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        header.Write(bytes[..number.WriteLittleEndian(bytes)]);
    }

    private static long Padded(long count) => (count + Alignment - 1) / Alignment * Alignment;
}
