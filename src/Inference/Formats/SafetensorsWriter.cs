using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Sizes of the dimensions.</param>
public sealed record TensorDeclaration(string Name, DType Type, params long[] Shape)
{
    /// <summary>Bytes of the data.</summary>
    /// <exception cref="OverflowException">The product of the shape does not fit 63 bits.</exception>
    public long ByteCount => SafetensorsEntry.ByteCountOf(Shape, Type.ByteSize())
        ?? throw new OverflowException($"The shape {SafetensorsEntry.Text(Shape)} of {Name} overflows.");
}

/// <summary>
/// Writes one safetensors file of any size: all tensors are declared first, then their bytes follow in that order, in chunks.
/// The bytes go to a temporary file beside <see cref="Path"/>; <see cref="Complete"/> renames it. The same input gives the same bytes.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private static readonly JsonWriterOptions HeaderOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly TensorFileStream stream;

    /// <summary>Creates the temporary file and writes the header.</summary>
    /// <param name="path">The file to be made; an existing one is replaced by <see cref="Complete"/>.</param>
    /// <param name="tensors">What will be written, in this order.</param>
    /// <param name="metadata">Texts for <c>__metadata__</c>; null stands for <c>{"format":"pt"}</c>, which other loaders ask for.</param>
    /// <exception cref="ArgumentException">A name occurs twice.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public SafetensorsWriter(string path, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        stream = new TensorFileStream(
            path,
            Header(tensors, metadata ?? new Dictionary<string, string> { ["format"] = "pt" }),
            tensors.Select(static tensor => (tensor.Name, tensor.ByteCount)),
            alignment: 1);

    /// <summary>The file to be made.</summary>
    public string Path => stream.Path;

    /// <summary>Writes the next bytes of tensor <paramref name="name"/>.</summary>
    /// <exception cref="InvalidOperationException">It is not this tensor's turn, or these are too many bytes.</exception>
    public void Write(string name, ReadOnlySpan<byte> chunk) => stream.Write(name, chunk);

    /// <summary>Closes the file and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">Data is missing.</exception>
    public void Complete() => stream.Complete();

    /// <summary>Removes the temporary file when the writer was not completed.</summary>
    public void Dispose() => stream.Dispose();

    /// <inheritdoc cref="TensorFileStream.Close"/>
    internal void Close() => stream.Close();

    /// <inheritdoc cref="TensorFileStream.Publish"/>
    internal void Publish() => stream.Publish();

    private static byte[] Header(IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var json = new ArrayBufferWriter<byte>();
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        using (var writer = new Utf8JsonWriter(json, HeaderOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
            var offset = 0L;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                {
                    throw new ArgumentException($"The tensor {tensor.Name} is declared twice.", nameof(tensors));
                }

                WriteEntry(writer, tensor, offset);
                offset = checked(offset + tensor.ByteCount);
            }

            writer.WriteEndObject();
        }

        // Spaces round the header up to 8 bytes, so that the data is aligned.
        var length = (json.WrittenCount + 7) / 8 * 8;
        var header = new byte[sizeof(ulong) + length];
        header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        json.WrittenSpan.CopyTo(header.AsSpan(sizeof(ulong)));
        return header;
    }

    private static void WriteEntry(Utf8JsonWriter writer, TensorDeclaration tensor, long offset)
    {
        writer.WriteStartObject(tensor.Name);
        writer.WriteString("dtype", tensor.Type.ToString());
        writer.WriteStartArray("shape");
        foreach (var size in tensor.Shape)
        {
            writer.WriteNumberValue(size);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("data_offsets");
        writer.WriteNumberValue(offset);
        writer.WriteNumberValue(offset + tensor.ByteCount);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
