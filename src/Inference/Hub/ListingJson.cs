using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>Reads listings, of which every field may be missing or of another type.</summary>
internal static class ListingJson
{
    public static bool Has(JsonElement item, string name, out JsonElement value)
    {
        value = default;
        return item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    // A lone surrogate escape makes GetString throw; such a name is no text.
    public static string? Text(JsonElement item, string name)
    {
        try
        {
            return Has(item, name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public static long? Number(JsonElement item, string name) =>
        Has(item, name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= 0 ? number : null;

    /// <summary>Items of an array: the property of that name, or <paramref name="item"/> itself; none where it is no array.</summary>
    public static IEnumerable<JsonElement> Array(JsonElement item, string? name)
    {
        var array = item;
        return (name is null || Has(item, name, out array)) && array.ValueKind == JsonValueKind.Array ? array.EnumerateArray() : [];
    }

    /// <summary>The listing, when every file has a name and a size and none occurs twice.</summary>
    /// <exception cref="HubException">It is not complete.</exception>
    public static HubListing Complete(string repo, string revision, string? commit, List<HubFile?> files, string subject)
    {
        var known = files.OfType<HubFile>().OrderBy(file => file.Path, StringComparer.Ordinal).ToList();
        if (known.Count < files.Count || known.Count == 0)
        {
            throw new HubException($"{subject}: the hub lists {files.Count} files, {files.Count - known.Count} of them without a name or size. "
                + "The repository is empty, or this mirror gives too little; use another --endpoint.");
        }

        var twice = known.GroupBy(file => file.Path, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        return twice is null
            ? new HubListing(repo, revision, commit, known)
            : throw new HubException($"{subject}: the hub lists {HubPath.Printable(twice.Key)} twice. Use another --endpoint, or report the repository.");
    }
}
