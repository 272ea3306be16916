using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Turns a JSON Schema (draft 2020-12) into rules: one for each set of subschemas that a value has to fit at the same time.
/// Supported: type, enum, const, properties, required, additionalProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern, format,
/// minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, oneOf (as anyOf), allOf, $ref and $defs, also recursive ones.
/// </summary>
internal sealed partial class SchemaCompiler
{
    private readonly PushdownGraph graph;
    private readonly JsonGraph json;
    private readonly CompileBudget budget;
    private readonly SchemaExpansion expansion;
    private readonly Dictionary<string, int> rules = new(StringComparer.Ordinal);
    private readonly Queue<(int Rule, IReadOnlyList<SchemaPart> Parts)> pending = new();

    private SchemaCompiler(PushdownGraph graph, JsonGraph json, CompileBudget budget, SchemaPart root)
    {
        this.graph = graph;
        this.json = json;
        this.budget = budget;
        expansion = new SchemaExpansion(root, budget);
    }

    /// <summary>Adds the rules of a schema; returns the rule of the whole value.</summary>
    /// <param name="graph">Where the rules go.</param>
    /// <param name="json">The JSON parts of that graph.</param>
    /// <param name="budget">Counts the work.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="onlyObjects">True: other values are not wanted even where the schema allows them.</param>
    /// <exception cref="InvalidInputException">The schema is malformed, unsupported or too large; the message names the path.</exception>
    public static int Compile(PushdownGraph graph, JsonGraph json, CompileBudget budget, SchemaPart schema, bool onlyObjects = false)
    {
        var compiler = new SchemaCompiler(graph, json, budget, schema);
        var root = graph.AddRule();
        var types = onlyObjects ? SchemaTypes.Object : SchemaTypes.All;
        compiler.AddRule(root, [schema], types);
        while (compiler.pending.TryDequeue(out var next))
        {
            compiler.AddRule(next.Rule, next.Parts, SchemaTypes.All);
        }

        graph.Where = schema.Path;
        return root;
    }

    /// <summary>The rule of values that fit all parts; compiled later.</summary>
    private int RuleOf(IReadOnlyList<SchemaPart> parts)
    {
        var key = string.Join('\n', parts.Select(part => part.Path).Distinct().Order(StringComparer.Ordinal));
        if (!rules.TryGetValue(key, out var rule))
        {
            rule = graph.AddRule();
            rules.Add(key, rule);
            pending.Enqueue((rule, parts));
        }

        return rule;
    }

    private void AddRule(int rule, IReadOnlyList<SchemaPart> parts, SchemaTypes wanted)
    {
        var (start, end) = graph.Rules[rule];
        graph.Where = parts.Count > 0 ? parts[0].Path : graph.Where;
        foreach (var alternative in expansion.Expand(parts))
        {
            alternative.ForEach(SchemaKeywords.RequireSupported);
            var types = SchemaKeywords.TypesOf(alternative) & wanted;
            if (SchemaKeywords.ValuesOf(alternative) is { } values)
            {
                AddValues(start, end, alternative, types, values);
            }
            else if (types == SchemaTypes.All)
            {
                graph.AddEmpty(graph.AddCall(start, json.AnyValue()), end);
            }
            else
            {
                AddTypes(start, end, alternative, types);
            }
        }
    }

    private void AddTypes(int start, int end, List<SchemaPart> parts, SchemaTypes types)
    {
        foreach (var literal in (types.HasFlag(SchemaTypes.Null) ? ["null"] : Array.Empty<string>())
            .Concat(types.HasFlag(SchemaTypes.Boolean) ? ["true", "false"] : []))
        {
            graph.AddEmpty(graph.AddText(start, literal), end);
        }

        if ((types & SchemaTypes.Number) != 0)
        {
            AddNumber(start, end, parts, types.HasFlag(SchemaTypes.Fraction));
        }

        if (types.HasFlag(SchemaTypes.String))
        {
            AddString(start, end, parts);
        }

        if (types.HasFlag(SchemaTypes.Array))
        {
            AddArray(start, end, parts);
        }

        if (types.HasFlag(SchemaTypes.Object))
        {
            AddObject(start, end, parts);
        }
    }

    private void AddNumber(int start, int end, List<SchemaPart> parts, bool allowFraction)
    {
        var (min, max) = (SchemaKeywords.BoundOf(parts, lower: true), SchemaKeywords.BoundOf(parts, lower: false));
        if (min is null && max is null && allowFraction)
        {
            json.AddNumber(start, end);
        }
        else
        {
            NumberRange.Add(graph, start, end, min, max, allowFraction);
        }
    }

    /// <summary>Adds those of the given values that fit the other keywords.</summary>
    private void AddValues(int start, int end, List<SchemaPart> parts, SchemaTypes types, List<JsonElement> values)
    {
        var strings = StringRules(parts);
        var (min, max) = (SchemaKeywords.BoundOf(parts, lower: true), SchemaKeywords.BoundOf(parts, lower: false));
        foreach (var value in values)
        {
            var type = SchemaKeywords.TypeOf(value);
            var fits = types.HasFlag(type) && type switch
            {
                SchemaTypes.String => strings.Fits(value.GetString()!),
                SchemaTypes.Integer or SchemaTypes.Fraction => IsWithin(value, min, max, SchemaPart.Join(parts[0].Path, "enum")),
                SchemaTypes.Array or SchemaTypes.Object => RequireAlone(parts, type),
                _ => true,
            };
            if (fits)
            {
                graph.AddEmpty(json.AddValue(start, value), end);
            }
        }
    }

    private static bool IsWithin(JsonElement value, NumberBound? min, NumberBound? max, string where)
    {
        if (DecimalNumber.Parse(value.GetRawText()) is not { } number)
        {
            throw new InvalidInputException($"{where}: a number has too many digits.");
        }

        return (min is not { } low || number.CompareTo(low.Value) >= (low.Exclusive ? 1 : 0))
            && (max is not { } high || number.CompareTo(high.Value) <= (high.Exclusive ? -1 : 0));
    }

    private static bool RequireAlone(List<SchemaPart> parts, SchemaTypes type)
    {
        var keyword = type == SchemaTypes.Array
            ? new[] { "items", "prefixItems", "minItems", "maxItems" }
            : ["properties", "required", "additionalProperties"];
        foreach (var part in parts)
        {
            if (Array.Find(keyword, name => part.Element.TryGetProperty(name, out _)) is { } found)
            {
                throw new InvalidInputException($"{SchemaPart.Join(part.Path, found)}: not supported beside enum or const with arrays or objects. Remove it.");
            }
        }

        return true;
    }

    private StringRules StringRules(List<SchemaPart> parts) => new(parts, budget);

    private void AddString(int start, int end, List<SchemaPart> parts)
    {
        var rules = StringRules(parts);
        if (rules.IsEmpty)
        {
            return;
        }

        var behind = rules.Inside is { } inside ? json.AddString(start, inside) : json.AddString(start, rules.MinLength, rules.MaxLength);
        graph.AddEmpty(behind, end);
    }
}
