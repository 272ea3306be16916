using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <content>Arrays and objects.</content>
internal sealed partial class SchemaCompiler
{
    private const string AdditionalProperties = "additionalProperties";

    /// <summary>Items of <c>prefixItems</c> stand one after another; those behind them share a loop with a counter.</summary>
    private void AddArray(int start, int end, List<SchemaPart> parts)
    {
        var min = SchemaKeywords.CountOf(parts, "minItems", largest: true) ?? 0;
        var max = SchemaKeywords.CountOf(parts, "maxItems", largest: false);
        var numPrefix = parts.Max(part => Keyword(part, "prefixItems", JsonValueKind.Array) is { } list ? list.GetArrayLength() : 0);
        var rest = ItemParts(parts, numPrefix);
        max = rest.Exists(part => part.Element.ValueKind == JsonValueKind.False) ? Math.Min(max ?? int.MaxValue, numPrefix) : max;
        if (max < min)
        {
            return;
        }

        var open = json.AddMark(start, '[');
        var behind = open;
        for (var i = 0; i < numPrefix; i++)
        {
            CloseArray(behind, end, i >= min);
            if (i == max)
            {
                return;
            }

            behind = graph.AddCall(NextItem(behind, isFirst: i == 0), RuleOf(ItemParts(parts, i)));
        }

        CloseArray(behind, end, numPrefix >= min);
        if (numPrefix == max)
        {
            return;
        }

        AddItemLoop(NextItem(behind, isFirst: numPrefix == 0), end, RuleOf(rest), Math.Max(min - numPrefix, 0), max - numPrefix);
    }

    private int NextItem(int from, bool isFirst) => json.AddSpace(isFirst ? from : json.AddMark(from, ','));

    private void CloseArray(int from, int end, bool allowed)
    {
        if (allowed)
        {
            graph.AddByte(json.AddSpace(from), ']', ']', end);
        }
    }

    /// <summary>One item or more; <paramref name="first"/> is where the first begins.</summary>
    private void AddItemLoop(int first, int end, int itemRule, int min, int? max)
    {
        var counted = graph.AddState();
        graph.AddEmpty(graph.AddCall(first, itemRule), new EmptyEdge(counted, Counts: true, Cap: max ?? min));
        var close = graph.AddState();
        graph.AddEmpty(counted, new EmptyEdge(close, MinCount: min));
        CloseArray(close, end, allowed: true);
        var more = graph.AddState();
        graph.AddEmpty(counted, new EmptyEdge(more, MaxCount: max - 1 ?? int.MaxValue));
        graph.AddEmpty(NextItem(more, isFirst: false), first);
    }

    /// <summary>What an item has to fit: of each part the item's own schema or the one for all others.</summary>
    private static List<SchemaPart> ItemParts(List<SchemaPart> parts, int index)
    {
        var item = new List<SchemaPart>();
        foreach (var part in parts)
        {
            if (Keyword(part, "prefixItems", JsonValueKind.Array) is { } prefix && index < prefix.GetArrayLength())
            {
                item.Add(part.Item(prefix[index], "prefixItems", index));
            }
            else if (part.Element.TryGetProperty("items", out var items))
            {
                item.Add(part.Child(items, "items"));
            }
        }

        return item;
    }

    /// <summary>
    /// Properties come in the order in which they are declared, optional ones can be left out, additional ones follow. Without <c>additionalProperties</c>
    /// an object that declares properties has no others: a model that may invent keys seldom stops.
    /// </summary>
    private void AddObject(int start, int end, List<SchemaPart> parts)
    {
        var names = new List<string>();
        var required = new HashSet<string>(StringComparer.Ordinal);
        var declared = new List<Dictionary<string, JsonElement>>();
        foreach (var part in parts)
        {
            declared.Add(DeclaredProperties(part));
            names.AddRange(declared[^1].Keys);
            required.UnionWith(RequiredNames(part));
        }

        var isPlain = required.Count == 0
            && !parts.Exists(part => part.Element.TryGetProperty("properties", out _) || part.Element.TryGetProperty(AdditionalProperties, out _));
        if (isPlain)
        {
            graph.AddEmpty(graph.AddCall(start, json.AnyObject()), end);
            return;
        }

        names.AddRange(required);
        names = [.. names.Distinct()];
        var open = json.AddMark(start, '{');
        var firstMember = json.AddSpace(open);
        var members = new Members(names.Count, graph);
        graph.AddEmpty(firstMember, members.Next[0]);
        for (var i = 0; i < names.Count; i++)
        {
            budget.Spend(100, graph.Where);
            AddMember(members, i, names[i], required.Contains(names[i]), PropertyParts(parts, declared, names[i]));
        }

        AddAdditional(members, parts, names);
        CloseObject(members, names, required, open, end);
    }

    private void AddMember(Members members, int i, string name, bool isRequired, List<SchemaPart> value)
    {
        if (!isRequired)
        {
            graph.AddEmpty(members.Next[i], members.Next[i + 1]);
        }

        var colon = json.AddMark(graph.AddText(members.Next[i], JsonGraph.Quote(name)), ':');
        var behind = graph.AddCall(json.AddSpace(colon), RuleOf(value));
        graph.AddEmpty(behind, members.Behind[i + 1]);
        graph.AddEmpty(json.AddSpace(json.AddMark(members.Behind[i + 1], ',')), members.Next[i + 1]);
    }

    private void AddAdditional(Members members, List<SchemaPart> parts, List<string> names)
    {
        var value = AdditionalParts(parts);
        var isOpen = parts.Exists(part => part.Element.TryGetProperty(AdditionalProperties, out _));
        if (!isOpen || value.Exists(part => part.Element.ValueKind == JsonValueKind.False))
        {
            return;
        }

        var next = members.Next[names.Count];
        int key;
        if (names.Count == 0)
        {
            key = json.AddString(next, 0, null);
        }
        else
        {
            var anyKey = ByteDfa.Of(RegexNode.AnyText, ByteForm.JsonString, budget, graph.Where)!;
            var declared = ByteDfa.Of(new RegexNode.Choice([.. names.Select(Literal)]), ByteForm.JsonString, budget, graph.Where)!;
            key = json.AddString(next, anyKey.Subtract(declared, budget, graph.Where)!);
        }

        var behind = graph.AddCall(json.AddSpace(json.AddMark(key, ':')), RuleOf(value));
        graph.AddEmpty(behind, members.BehindAdditional);
        graph.AddEmpty(json.AddSpace(json.AddMark(members.BehindAdditional, ',')), next);
    }

    private void CloseObject(Members members, List<string> names, HashSet<string> required, int open, int end)
    {
        var close = graph.AddState();
        graph.AddByte(json.AddSpace(close), '}', '}', end);
        graph.AddEmpty(members.BehindAdditional, close);
        for (var i = names.Count; i >= 0; i--)
        {
            graph.AddEmpty(i == 0 ? open : members.Behind[i], close);
            if (i > 0 && required.Contains(names[i - 1]))
            {
                break;
            }
        }
    }

    private static RegexNode Literal(string text) =>
        new RegexNode.Sequence([.. text.EnumerateRunes().Select(rune => new RegexNode.Characters(CodePointSet.Of((rune.Value, rune.Value))))]);

    /// <summary>What a property has to fit: of each part its own schema, or the one for additional properties where the part does not declare it.</summary>
    private static List<SchemaPart> PropertyParts(List<SchemaPart> parts, List<Dictionary<string, JsonElement>> declared, string name)
    {
        var value = new List<SchemaPart>();
        foreach (var (i, part) in parts.Index())
        {
            if (declared[i].TryGetValue(name, out var schema))
            {
                value.Add(part.Child(schema, "properties", name));
            }
            else if (part.Element.TryGetProperty(AdditionalProperties, out var additional))
            {
                value.Add(part.Child(additional, AdditionalProperties));
            }
        }

        return value;
    }

    private static Dictionary<string, JsonElement> DeclaredProperties(SchemaPart part)
    {
        var declared = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in Keyword(part, "properties", JsonValueKind.Object)?.EnumerateObject() ?? default)
        {
            declared[property.Name] = property.Value;
        }

        return declared;
    }

    private static List<SchemaPart> AdditionalParts(List<SchemaPart> parts)
    {
        var value = new List<SchemaPart>();
        foreach (var part in parts)
        {
            if (part.Element.TryGetProperty(AdditionalProperties, out var additional))
            {
                value.Add(part.Child(additional, AdditionalProperties));
            }
        }

        return value;
    }

    private static IEnumerable<string> RequiredNames(SchemaPart part)
    {
        foreach (var name in Keyword(part, "required", JsonValueKind.Array)?.EnumerateArray() ?? default)
        {
            yield return name.ValueKind == JsonValueKind.String
                ? name.GetString()!
                : throw new InvalidInputException($"{SchemaPart.Join(part.Path, "required")}: give a list of names.");
        }
    }

    private static JsonElement? Keyword(SchemaPart part, string name, JsonValueKind kind) =>
        !part.Element.TryGetProperty(name, out var value) ? null
        : value.ValueKind == kind ? value
        : throw new InvalidInputException($"{SchemaPart.Join(part.Path, name)}: give {(kind == JsonValueKind.Array ? "a list" : "an object")}.");

    /// <summary>Where a member may begin and where one has ended, by the number of declared properties that have been passed.</summary>
    private sealed class Members(int count, PushdownGraph graph)
    {
        /// <summary>States where the next member may begin: the property of this number or a later one; last, an additional one.</summary>
        public int[] Next { get; } = [.. Enumerable.Range(0, count + 1).Select(_ => graph.AddState())];

        /// <summary>States behind a property; the first one is not used.</summary>
        public int[] Behind { get; } = [.. Enumerable.Range(0, count + 1).Select(_ => graph.AddState())];

        /// <summary>State behind an additional property.</summary>
        public int BehindAdditional { get; } = graph.AddState();
    }
}
