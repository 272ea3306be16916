using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The JSON header of a safetensors file: 8 bytes header length (little endian), the header, the data.
/// The rules are those of the reference: the tensors fill the data without holes or overlaps, in any order of the names.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Longest header that the reference accepts.</summary>
    public const long MaxBytes = 100_000_000;

    private const string Mend = "The file is damaged or not a safetensors file; download it again.";
    private readonly string path;
    private readonly long dataStart;

    private SafetensorsHeader(string path, long dataStart)
    {
        this.path = path;
        this.dataStart = dataStart;
    }

    /// <summary>The tensors by name.</summary>
    public Dictionary<string, SafetensorsEntry> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>The text values of <c>__metadata__</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header without its 8 bytes of length.</param>
    /// <param name="fileLength">Bytes of the whole file.</param>
    /// <param name="path">Path of the file, for messages.</param>
    /// <exception cref="InvalidInputException">The header is malformed or does not fit the file.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileLength, string path)
    {
        var header = new SafetensorsHeader(path, dataStart: sizeof(ulong) + json.Length);
        try
        {
            header.ReadObject(json);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: the reader meets text that is no valid UTF-8 or UTF-16 only when it decodes it.
            throw new InvalidInputException($"{path}: the header is not valid JSON ({exception.Message.TrimEnd('.')}). {Mend}", exception);
        }

        header.CheckLayout(fileLength);
        return header;
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Bad("the header is not a JSON object.");
        }

        var hasMetadata = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__")
            {
                if (hasMetadata)
                {
                    throw Bad("the header has two __metadata__ entries.");
                }

                hasMetadata = true;
                ReadMetadata(ref reader);
            }
            else if (!Entries.TryAdd(name, ReadEntry(ref reader, name)))
            {
                throw Bad($"the header names the tensor {name} twice.");
            }
        }

        // Anything but white space after the object throws here.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Bad("__metadata__ is not a JSON object.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            Metadata[key] = reader.TokenType == JsonTokenType.String
                ? reader.GetString()!
                : throw Bad($"__metadata__ entry {key} is not a text.");
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Bad($"the entry of tensor {name} is not a JSON object.");
        }

        string? typeName = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = reader.GetString();
            reader.Read();
            switch (field)
            {
                case "dtype":
                    typeName = reader.TokenType == JsonTokenType.String ? reader.GetString() : throw Bad($"tensor {name}: dtype is not a text.");
                    break;
                case "shape":
                    shape = ReadSizes(ref reader, name, field);
                    break;
                case "data_offsets":
                    offsets = ReadSizes(ref reader, name, field);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (typeName is null || shape is null || offsets is not { Length: 2 })
        {
            throw Bad($"tensor {name} needs a dtype, a shape and two data_offsets.");
        }

        return MakeEntry(name, typeName, shape, begin: offsets[0], end: offsets[1]);
    }

    private SafetensorsEntry MakeEntry(string name, string typeName, long[] shape, long begin, long end)
    {
        if (end < begin || end > long.MaxValue - dataStart)
        {
            throw Bad($"tensor {name} has the data_offsets [{begin}, {end}], which are no range of bytes.");
        }

        var elementBytes = SafetensorsEntry.ElementBytes(typeName);
        if (elementBytes is { } bytes)
        {
            var shapeText = SafetensorsEntry.Text(shape);
            var expected = SafetensorsEntry.ByteCountOf(shape, bytes) ?? throw Bad($"tensor {name}: the shape {shapeText} overflows 63 bits.");
            if (expected != end - begin)
            {
                throw Bad($"tensor {name}: {typeName} {shapeText} needs {expected:N0} bytes, but its data_offsets hold {end - begin:N0}.");
            }
        }

        return new SafetensorsEntry(name, typeName, shape, dataStart + begin, end - begin);
    }

    /// <summary>A list of sizes or offsets: whole numbers from 0 to 2^63 − 1.</summary>
    private long[] ReadSizes(ref Utf8JsonReader reader, string name, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Bad($"tensor {name}: {field} is not a list.");
        }

        var sizes = new List<long>(capacity: 4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var size) || size < 0)
            {
                throw Bad($"tensor {name}: {field} holds something else than whole numbers from 0 on.");
            }

            sizes.Add(size);
        }

        return [.. sizes];
    }

    private void CheckLayout(long fileLength)
    {
        var position = dataStart;
        SafetensorsEntry? previous = null;
        foreach (var entry in Entries.Values.OrderBy(e => e.Offset).ThenBy(e => e.ByteCount))
        {
            if (entry.Offset != position)
            {
                var where = previous is null ? "the start of the data" : $"the end of tensor {previous.Name}";
                throw Bad($"tensor {entry.Name} " + (entry.Offset < position
                    ? $"overlaps tensor {previous!.Name} by {position - entry.Offset:N0} bytes."
                    : $"begins {entry.Offset - position:N0} bytes after {where}; holes are not allowed."));
            }

            position += entry.ByteCount;
            previous = entry;
        }

        if (position > fileLength)
        {
            throw new InvalidInputException(
                $"{path} is truncated: {position - fileLength:N0} of {position:N0} bytes are missing. Download it again.");
        }

        if (position < fileLength)
        {
            throw Bad($"{fileLength - position:N0} bytes follow the last tensor; holes are not allowed.");
        }
    }

    private InvalidInputException Bad(string what) => new($"{path}: {what} {Mend}");
}
