using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>One JSON object a line. Where the lines begin is found once; blank lines are no records.</summary>
internal sealed class JsonLinesFile : RecordFile
{
    private readonly FileStream stream;
    private readonly List<(long Start, int Length, long Line)> records = [];
    private byte[] buffer = new byte[1 << 16];

    public JsonLinesFile(string path)
        : base(path)
    {
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        try
        {
            FindLines();
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        BlockStarts = [0, records.Count];
    }

    public override JsonElement Read(long record)
    {
        var (start, length, _) = records[checked((int)record)];
        Array.Resize(ref buffer, Math.Max(buffer.Length, length));
        stream.Position = start;
        stream.ReadExactly(buffer, 0, length);
        try
        {
            using var document = JsonDocument.Parse(buffer.AsMemory(0, length));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new InvalidInputException($"{Place(record)}: a JSON object is expected, not {document.RootElement.ValueKind}. Each line is one record.");
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{Place(record)}: not valid JSON: {exception.Message} Mend or remove the line.", exception);
        }
    }

    public override string Place(long record) => $"{Path}:{records[checked((int)record)].Line}";

    protected override void Dispose(bool disposing) => stream.Dispose();

    private void FindLines()
    {
        var chunk = new byte[1 << 20];
        long position = 0, lineStart = 0, line = 1;
        var blank = true;
        for (int read; (read = stream.Read(chunk)) > 0; position += read)
        {
            var rest = chunk.AsSpan(0, read);
            while (rest.Length > 0)
            {
                var end = rest.IndexOf((byte)'\n');
                var part = end < 0 ? rest : rest[..end];
                blank &= !part.ContainsAnyExcept((byte)' ', (byte)'\t', (byte)'\r');
                if (end < 0)
                {
                    break;
                }

                var lineEnd = position + (read - rest.Length) + end;
                AddLine(lineStart, lineEnd, line++, blank);
                (lineStart, blank) = (lineEnd + 1, true);
                rest = rest[(end + 1)..];
            }
        }

        AddLine(lineStart, position, line, blank);
    }

    private void AddLine(long start, long end, long line, bool blank)
    {
        if (!blank)
        {
            var length = end - start;
            records.Add(length <= Array.MaxLength
                ? (start, (int)length, line)
                : throw new InvalidInputException($"{Path}:{line}: the line has {length:N0} bytes; a record may have 2 GB. Is this a file of JSON lines?"));
        }
    }
}
