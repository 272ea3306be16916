using System.Globalization;
using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>A subschema and where it stands, such as <c>$.properties.name</c>.</summary>
internal readonly record struct SchemaPart(JsonElement Element, string Path)
{
    /// <summary>The subschema of a keyword or a name below this one.</summary>
    public SchemaPart Child(JsonElement element, params ReadOnlySpan<string> names)
    {
        var path = Path;
        foreach (var name in names)
        {
            path = Join(path, name);
        }

        return new SchemaPart(element, path);
    }

    /// <summary>The subschema at a place of an array.</summary>
    public SchemaPart Item(JsonElement element, string keyword, int index) => new(element, string.Create(CultureInfo.InvariantCulture, $"{Path}.{keyword}[{index}]"));

    /// <summary>A path with one more name.</summary>
    public static string Join(string path, string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$') ? $"{path}.{name}" : $"{path}[{JsonGraph.Quote(name)}]";
}

/// <summary>
/// Resolves references and combinations: a value must fit all parts of one of the alternatives. What is in an alternative has only keywords of its own left.
/// <c>oneOf</c> is read as <c>anyOf</c>: that a value fits no second branch is not enforced.
/// </summary>
/// <param name="root">The whole schema.</param>
/// <param name="budget">Counts the work.</param>
internal sealed class SchemaExpansion(SchemaPart root, CompileBudget budget)
{
    private const int MaxAlternatives = 2_000;
    private const int MaxDepth = 300;
    private const int PartCost = 50;
    private readonly Dictionary<string, List<List<SchemaPart>>> known = new(StringComparer.Ordinal);
    private readonly HashSet<string> inWork = new(StringComparer.Ordinal);

    /// <summary>The alternatives of a conjunction; none when no value fits.</summary>
    public List<List<SchemaPart>> Expand(IReadOnlyList<SchemaPart> parts)
    {
        List<List<SchemaPart>> all = [[]];
        foreach (var part in parts)
        {
            all = Cross(all, Expand(part), part.Path);
        }

        return all;
    }

    private List<List<SchemaPart>> Expand(SchemaPart part)
    {
        if (known.TryGetValue(part.Path, out var done))
        {
            return done;
        }

        switch (part.Element.ValueKind)
        {
            case JsonValueKind.True:
                return [[]];
            case JsonValueKind.False:
                return [];
            case JsonValueKind.Object:
                break;
            default:
                throw new InvalidInputException($"{part.Path}: a schema is an object, true or false, not {part.Element.ValueKind}.");
        }

        if (!inWork.Add(part.Path))
        {
            throw new InvalidInputException($"{part.Path}: the schema refers to itself without an object or an array in between. Remove the reference.");
        }

        if (inWork.Count > MaxDepth)
        {
            throw new InvalidInputException($"{part.Path}: more than {MaxDepth} references and combinations lead into one another. Refer to the last one directly.");
        }

        var alternatives = ExpandObject(part);
        inWork.Remove(part.Path);
        known.Add(part.Path, alternatives);
        return alternatives;
    }

    private List<List<SchemaPart>> ExpandObject(SchemaPart part)
    {
        List<List<SchemaPart>> all = [[part]];
        foreach (var property in part.Element.EnumerateObject())
        {
            budget.Spend(PartCost, part.Path);
            switch (property.Name)
            {
                case "$ref":
                    all = Cross(all, Expand(Resolve(property.Value, SchemaPart.Join(part.Path, "$ref"))), part.Path);
                    break;
                case "allOf":
                    all = Branches(part, property).Aggregate(all, (sum, branch) => Cross(sum, Expand(branch), part.Path));
                    break;
                case "anyOf" or "oneOf":
                    all = Cross(all, [.. Branches(part, property).SelectMany(Expand)], part.Path);
                    break;
            }
        }

        return all;
    }

    private static IEnumerable<SchemaPart> Branches(SchemaPart part, JsonProperty property)
    {
        var list = property.Value;
        return list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0
            ? list.EnumerateArray().Select((branch, i) => part.Item(branch, property.Name, i))
            : throw new InvalidInputException($"{SchemaPart.Join(part.Path, property.Name)}: give a list of one or more schemas.");
    }

    private List<List<SchemaPart>> Cross(List<List<SchemaPart>> left, List<List<SchemaPart>> right, string where)
    {
        if ((long)left.Count * right.Count > MaxAlternatives)
        {
            throw new InvalidInputException($"{where}: anyOf, oneOf and allOf make more than {MaxAlternatives:N0} combinations. Use fewer branches.");
        }

        var crossed = new List<List<SchemaPart>>();
        foreach (var first in left)
        {
            foreach (var second in right)
            {
                budget.Spend(PartCost + ((long)first.Count * second.Count), where);
                crossed.Add([.. first, .. second.Where(part => !first.Exists(other => other.Path == part.Path))]);
            }
        }

        return crossed;
    }

    /// <summary>The subschema that a reference names: <c>#</c> or <c>#/…</c>, a JSON pointer (RFC 6901).</summary>
    private SchemaPart Resolve(JsonElement reference, string where)
    {
        var text = reference.ValueKind == JsonValueKind.String ? reference.GetString()! : "";
        if (text != "#" && !text.StartsWith("#/", StringComparison.Ordinal))
        {
            throw new InvalidInputException($"{where}: only references within the schema are supported, such as \"#/$defs/name\".");
        }

        var (element, path) = (root.Element, root.Path);
        foreach (var escaped in text.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(escaped).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            var index = -1;
            budget.Spend(1 + (element.ValueKind == JsonValueKind.Object ? element.GetPropertyCount() / 8 : 0), where);
            var found = element.ValueKind switch
            {
                JsonValueKind.Object => element.TryGetProperty(name, out element),
                JsonValueKind.Array => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < element.GetArrayLength(),
                _ => false,
            };
            if (!found)
            {
                throw new InvalidInputException($"{where}: the schema has nothing at {text}.");
            }

            element = index >= 0 ? element[index] : element;
            path = index >= 0 ? string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]") : SchemaPart.Join(path, name);
        }

        return new SchemaPart(element, path);
    }
}
