using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>The types of JSON Schema; a number is an integer or has a fraction.</summary>
[Flags]
internal enum SchemaTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Fraction = 8,
    Number = Integer | Fraction,
    String = 16,
    Array = 32,
    Object = 64,
    All = 127,
}

/// <summary>What single keywords of a subschema say.</summary>
internal static class SchemaKeywords
{
    private static readonly string[] unsupported =
    [
        "$dynamicRef", "$recursiveRef", "additionalItems", "contains", "contentSchema", "dependencies", "dependentRequired", "dependentSchemas", "else", "if",
        "maxContains", "maxProperties", "minContains", "minProperties", "multipleOf", "not", "patternProperties", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
    ];

    private static readonly Dictionary<string, SchemaTypes> typesOfKeywords = new(StringComparer.Ordinal)
    {
        ["properties"] = SchemaTypes.Object,
        ["required"] = SchemaTypes.Object,
        ["additionalProperties"] = SchemaTypes.Object,
        ["items"] = SchemaTypes.Array,
        ["prefixItems"] = SchemaTypes.Array,
        ["minItems"] = SchemaTypes.Array,
        ["maxItems"] = SchemaTypes.Array,
        ["pattern"] = SchemaTypes.String,
        ["format"] = SchemaTypes.String,
        ["minLength"] = SchemaTypes.String,
        ["maxLength"] = SchemaTypes.String,
        ["minimum"] = SchemaTypes.Number,
        ["maximum"] = SchemaTypes.Number,
        ["exclusiveMinimum"] = SchemaTypes.Number,
        ["exclusiveMaximum"] = SchemaTypes.Number,
    };

    /// <summary>Refuses keywords that constrain a value in a way that the automaton does not follow.</summary>
    /// <exception cref="InvalidInputException">The part has one; the message names it.</exception>
    public static void RequireSupported(SchemaPart part)
    {
        foreach (var property in part.Element.EnumerateObject())
        {
            var harmless = property.Name == "uniqueItems" && property.Value.ValueKind == JsonValueKind.False;
            if (unsupported.Contains(property.Name) && !harmless)
            {
                throw new InvalidInputException($"{SchemaPart.Join(part.Path, property.Name)}: this keyword is not supported. Remove it, and check the answer yourself.");
            }
        }
    }

    /// <summary>
    /// The types that all parts allow. Where no part names a type, the keywords do: a schema with only <c>properties</c> describes objects.
    /// </summary>
    public static SchemaTypes TypesOf(IReadOnlyList<SchemaPart> parts)
    {
        var types = SchemaTypes.All;
        var named = false;
        var implied = SchemaTypes.None;
        foreach (var part in parts)
        {
            if (part.Element.TryGetProperty("type", out var type))
            {
                types &= ReadTypes(type, SchemaPart.Join(part.Path, "type"));
                named = true;
            }

            foreach (var property in part.Element.EnumerateObject())
            {
                implied |= typesOfKeywords.GetValueOrDefault(property.Name);
            }
        }

        return named || implied == SchemaTypes.None ? types : implied;
    }

    /// <summary>The values that <c>enum</c> and <c>const</c> of all parts allow; null when there is neither.</summary>
    public static List<JsonElement>? ValuesOf(IReadOnlyList<SchemaPart> parts)
    {
        List<JsonElement>? values = null;
        foreach (var part in parts)
        {
            if (part.Element.TryGetProperty("const", out var constant))
            {
                values = Intersect(values, [constant]);
            }

            if (part.Element.TryGetProperty("enum", out var list))
            {
                values = list.ValueKind == JsonValueKind.Array
                    ? Intersect(values, [.. list.EnumerateArray()])
                    : throw new InvalidInputException($"{SchemaPart.Join(part.Path, "enum")}: give a list of values.");
            }
        }

        return values;
    }

    /// <summary>The type of a value.</summary>
    public static SchemaTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => SchemaTypes.Null,
        JsonValueKind.True or JsonValueKind.False => SchemaTypes.Boolean,
        JsonValueKind.String => SchemaTypes.String,
        JsonValueKind.Array => SchemaTypes.Array,
        JsonValueKind.Object => SchemaTypes.Object,
        _ => DecimalNumber.Parse(value.GetRawText()) is { Scale: > 0 } ? SchemaTypes.Fraction : SchemaTypes.Integer,
    };

    /// <summary>A keyword whose value is a count: the largest of all parts, or the smallest; null when there is none.</summary>
    public static int? CountOf(IReadOnlyList<SchemaPart> parts, string keyword, bool largest)
    {
        int? result = null;
        foreach (var part in parts)
        {
            if (!part.Element.TryGetProperty(keyword, out var value))
            {
                continue;
            }

            // 2.0 is the integer 2 for JSON Schema.
            if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || number < 0 || number != Math.Floor(number))
            {
                throw new InvalidInputException($"{SchemaPart.Join(part.Path, keyword)}: give a whole number from 0.");
            }

            var count = (int)Math.Min(number, int.MaxValue - 1);
            result = result is null || largest == (count > result) ? count : result;
        }

        return result;
    }

    /// <summary>The lower or upper bound of all parts; null when there is none.</summary>
    public static NumberBound? BoundOf(IReadOnlyList<SchemaPart> parts, bool lower)
    {
        NumberBound? result = null;
        foreach (var part in parts)
        {
            foreach (var keyword in lower ? new[] { "minimum", "exclusiveMinimum" } : ["maximum", "exclusiveMaximum"])
            {
                if (!part.Element.TryGetProperty(keyword, out var value))
                {
                    continue;
                }

                var number = value.ValueKind == JsonValueKind.Number ? DecimalNumber.Parse(value.GetRawText()) : null;
                if (number is not { } bound)
                {
                    throw new InvalidInputException(
                        $"{SchemaPart.Join(part.Path, keyword)}: give a number with at most {DecimalNumber.MaxDigits} digits before and behind the point.");
                }

                var exclusive = keyword.StartsWith("exclusive", StringComparison.Ordinal);
                var order = result is { } known ? bound.CompareTo(known.Value) * (lower ? 1 : -1) : 1;
                result = order > 0 || (order == 0 && exclusive) ? new NumberBound(bound, exclusive) : result;
            }
        }

        return result;
    }

    private static List<JsonElement> Intersect(List<JsonElement>? values, List<JsonElement> others) =>
        values is null ? others : values.FindAll(value => others.Exists(other => JsonElement.DeepEquals(value, other)));

    private static SchemaTypes ReadTypes(JsonElement type, string where) => type.ValueKind switch
    {
        JsonValueKind.Array => type.EnumerateArray().Aggregate(SchemaTypes.None, (types, one) => types | ReadTypes(one, where)),
        JsonValueKind.String => type.GetString() switch
        {
            "null" => SchemaTypes.Null,
            "boolean" => SchemaTypes.Boolean,
            "integer" => SchemaTypes.Integer,
            "number" => SchemaTypes.Number,
            "string" => SchemaTypes.String,
            "array" => SchemaTypes.Array,
            "object" => SchemaTypes.Object,
            var other => throw new InvalidInputException($"{where}: '{other}' is no type; use null, boolean, integer, number, string, array or object."),
        },
        _ => throw new InvalidInputException($"{where}: give the name of a type or a list of names."),
    };
}
