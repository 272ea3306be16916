namespace MiniMaxSharp.Tasks;

/// <summary>A small database of texts under keys, with the tools that read and change it.</summary>
public sealed class KeyValueStore
{
    private const int MaxEntries = 10_000;
    private readonly SortedDictionary<string, string> entries;

    /// <summary>A store with some entries.</summary>
    public KeyValueStore(IEnumerable<KeyValuePair<string, string>> entries)
    {
        this.entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in entries)
        {
            this.entries[key] = value;
        }

        Tools =
        [
            new Tool("list_keys", "Lists the keys that begin with a prefix.", [("prefix", "The beginning of the keys, such as order/1043/.")], arguments => List(arguments[0])),
            new Tool("get_value", "Reads the value of a key.", [("key", "The whole key.")], arguments => this.entries.GetValueOrDefault(arguments[0]) ?? "error: there is no such key"),
            new Tool("set_value", "Writes the value of a key.", [("key", "The whole key."), ("value", "The new value.")], arguments => Set(arguments[0], arguments[1])),
            new Tool("delete_key", "Deletes a key with its value.", [("key", "The whole key.")], arguments => this.entries.Remove(arguments[0]) ? "done" : "error: there is no such key"),
        ];
    }

    /// <summary>The tools on this store.</summary>
    public IReadOnlyList<Tool> Tools { get; }

    /// <summary>The entries, sorted by key.</summary>
    public IReadOnlyDictionary<string, string> Entries => entries;

    /// <summary>SHA-256 of all entries: equal for equal contents, however they came about.</summary>
    public string Hash() => TaskInstance.Hash(string.Concat(entries.Select(entry => $"{entry.Key.Length}:{entry.Key}{entry.Value.Length}:{entry.Value}")));

    private string List(string prefix)
    {
        var keys = entries.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Take(200).ToArray();
        return keys.Length == 0 ? "no keys" : string.Join('\n', keys);
    }

    private string Set(string key, string value)
    {
        if (entries.Count >= MaxEntries && !entries.ContainsKey(key))
        {
            return "error: the database is full";
        }

        entries[key] = value;
        return "done";
    }
}
