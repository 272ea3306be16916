using System.Globalization;
using System.Text.Json;
using MiniMaxSharp.Inference;
using Parquet;
using Parquet.Schema;

namespace MiniMaxSharp.Training;

/// <summary>A Parquet file with plain columns. The row group that was read last stays in memory.</summary>
internal sealed class ParquetFile : RecordFile
{
    private readonly FileStream stream;
    private readonly ParquetReader reader;
    private readonly DataField[] fields;
    private int loaded = -1;
    private Array[] columns = [];

    public ParquetFile(string path)
        : base(path)
    {
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
            fields = reader.Schema.GetDataFields();
            var starts = new List<long> { 0 };
            for (var group = 0; group < reader.RowGroupCount; group++)
            {
                using var rows = reader.OpenRowGroupReader(group);
                starts.Add(starts[^1] + rows.RowCount);
            }

            BlockStarts = starts.Count > 1 ? starts : [0, 0];
        }
        catch (Exception exception) when (exception is not (InvalidInputException or UnauthorizedAccessException))
        {
            stream.Dispose();
            throw new InvalidInputException($"{path} is no Parquet file that can be read: {exception.Message} Download it again.", exception);
        }

        if (Array.Find(fields, static field => field.IsArray || field.MaxRepetitionLevel > 0) is { } nested)
        {
            Dispose();
            throw new InvalidInputException($"{path}: the column {nested.Path} is nested. Give plain columns; nested values such as messages as JSON text.");
        }
    }

    public override JsonElement Read(long record)
    {
        var group = 0;
        while (BlockStarts[group + 1] <= record)
        {
            group++;
        }

        Load(group);
        var row = checked((int)(record - BlockStarts[group]));
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            for (var i = 0; i < fields.Length; i++)
            {
                writer.WritePropertyName(fields[i].Name);
                Write(writer, columns[i].GetValue(row));
            }

            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(json.ToArray());
        return document.RootElement.Clone();
    }

    public override string Place(long record) => string.Create(CultureInfo.InvariantCulture, $"{Path}, row {record}");

    protected override void Dispose(bool disposing)
    {
        reader?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        stream.Dispose();
    }

    private void Load(int group)
    {
        if (group == loaded)
        {
            return;
        }

        using var rows = reader.OpenRowGroupReader(group);
        loaded = -1;
        columns = [.. fields.Select(field => ReadColumn(rows, field))];
        loaded = group;
    }

    private Array ReadColumn(ParquetRowGroupReader rows, DataField field)
    {
        if (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            var texts = new string?[rows.RowCount];
            rows.ReadAsync(field, texts.AsMemory(), null, default).AsTask().GetAwaiter().GetResult();
            return texts;
        }

        if (field.ClrType == typeof(byte[]) || field.ClrType == typeof(ReadOnlyMemory<byte>))
        {
            var blobs = new byte[]?[rows.RowCount];
            rows.ReadAsync(field, blobs.AsMemory(), null, default).AsTask().GetAwaiter().GetResult();
            return blobs;
        }

        return Type.GetTypeCode(field.ClrType) switch
        {
            TypeCode.Boolean => Numbers<bool>(),
            TypeCode.SByte => Numbers<sbyte>(),
            TypeCode.Byte => Numbers<byte>(),
            TypeCode.Int16 => Numbers<short>(),
            TypeCode.UInt16 => Numbers<ushort>(),
            TypeCode.Int32 => Numbers<int>(),
            TypeCode.UInt32 => Numbers<uint>(),
            TypeCode.Int64 => Numbers<long>(),
            TypeCode.Single => Numbers<float>(),
            TypeCode.Double => Numbers<double>(),
            _ => throw new InvalidInputException($"{Path}: the column {field.Path} has the type {field.ClrType.Name}, which is not read. Give text, numbers or flags."),
        };

        Array Numbers<T>()
            where T : struct
        {
            if (!field.IsNullable)
            {
                var values = new T[rows.RowCount];
                rows.ReadAsync(field, values.AsMemory(), null, default).AsTask().GetAwaiter().GetResult();
                return values;
            }

            var optional = new T?[rows.RowCount];
            rows.ReadAsync(field, optional.AsMemory(), null, default).AsTask().GetAwaiter().GetResult();
            return optional;
        }
    }

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case string text: writer.WriteStringValue(text); break;
            case bool flag: writer.WriteBooleanValue(flag); break;
            case float or double: writer.WriteNumberValue(Convert.ToDouble(value, CultureInfo.InvariantCulture)); break;
            case sbyte or byte or short or ushort or int or uint or long: writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            case byte[] bytes: writer.WriteStringValue(bytes); break;
            default: writer.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }
}
