using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// What was verified in a folder, in <c>.minimax-pull.json</c>: a file whose size, time of change and listed hash are those of its entry is not read again.
/// </summary>
internal sealed class PullRecord
{
    /// <summary>Name of the record.</summary>
    public const string FileName = ".minimax-pull.json";

    private readonly string path;
    private readonly Lock gate = new();
    private readonly SortedDictionary<string, Entry> entries = new(StringComparer.Ordinal);

    private PullRecord(string path) => this.path = path;

    private readonly record struct Entry(string Identity, long Size, long ModifiedTicks);

    /// <summary>Reads the record of a folder; an absent or damaged one is empty, which only costs a hash.</summary>
    public static PullRecord Load(string folder)
    {
        var record = new PullRecord(Path.Combine(folder, FileName));
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(record.path));
            foreach (var item in ListingJson.Array(document.RootElement, "files"))
            {
                if (ListingJson.Text(item, "path") is { } name && ListingJson.Text(item, "identity") is { } identity
                    && ListingJson.Number(item, "size") is { } size && ListingJson.Number(item, "modified_ticks") is { } ticks)
                {
                    record.entries[name] = new Entry(identity, size, ticks);
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            record.entries.Clear();
        }

        return record;
    }

    /// <summary>True when the file was verified as <paramref name="file"/> and is unchanged since.</summary>
    public bool Knows(HubFile file, FileInfo found)
    {
        lock (gate)
        {
            return file.Identity is { } identity && entries.TryGetValue(file.Path, out var entry)
                && entry == new Entry(identity, found.Length, found.LastWriteTimeUtc.Ticks) && found.Length == file.Size;
        }
    }

    /// <summary>Notes a verified file and writes the record.</summary>
    public void Add(HubFile file, FileInfo found)
    {
        if (file.Identity is not { } identity)
        {
            return;
        }

        lock (gate)
        {
            var entry = new Entry(identity, found.Length, found.LastWriteTimeUtc.Ticks);
            if (entries.TryGetValue(file.Path, out var known) && known == entry)
            {
                return;
            }

            entries[file.Path] = entry;
            var temporaryPath = path + ".tmp";
            File.WriteAllBytes(temporaryPath, ToJson());
            File.Move(temporaryPath, path, overwrite: true);
        }
    }

    private byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("files");
            foreach (var (name, entry) in entries)
            {
                writer.WriteStartObject();
                writer.WriteString("path", name);
                writer.WriteString("identity", entry.Identity);
                writer.WriteNumber("size", entry.Size);
                writer.WriteNumber("modified_ticks", entry.ModifiedTicks);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }
}
