using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MiniMaxSharp.Tests.Inference.Structured;

/// <summary>A small validator of JSON Schema, written without a look at the grammars: it walks the value, not the text.</summary>
internal sealed class SchemaValidator(JsonElement root)
{
    public bool Fits(JsonElement value) => Fits(root, value);

    private bool Fits(JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return schema.ValueKind == JsonValueKind.True;
        }

        return schema.EnumerateObject().All(keyword => keyword.Name switch
        {
            "type" => keyword.Value.ValueKind == JsonValueKind.Array ? keyword.Value.EnumerateArray().Any(type => IsOf(type, value)) : IsOf(keyword.Value, value),
            "enum" => keyword.Value.EnumerateArray().Any(other => JsonElement.DeepEquals(other, value)),
            "const" => JsonElement.DeepEquals(keyword.Value, value),
            "anyOf" or "oneOf" => keyword.Value.EnumerateArray().Any(branch => Fits(branch, value)),
            "allOf" => keyword.Value.EnumerateArray().All(branch => Fits(branch, value)),
            "$ref" => Fits(keyword.Value.GetString()!.Split('/').Skip(1).Aggregate(root, (at, name) => at.GetProperty(name)), value),
            _ => FitsKeyword(schema, keyword, value),
        });
    }

    private bool FitsKeyword(JsonElement schema, JsonProperty keyword, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => FitsNumber(keyword, value),
        JsonValueKind.String => FitsString(keyword, value.GetString()!),
        JsonValueKind.Array => FitsArray(schema, keyword, value),
        JsonValueKind.Object => FitsObject(schema, keyword, value),
        _ => true,
    };

    private static bool IsOf(JsonElement type, JsonElement value) => type.GetString() switch
    {
        "null" => value.ValueKind == JsonValueKind.Null,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && decimal.IsInteger(Number(value)),
        "number" => value.ValueKind == JsonValueKind.Number,
        "string" => value.ValueKind == JsonValueKind.String,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => throw new ArgumentException("no type", nameof(type)),
    };

    private static decimal Number(JsonElement value) => value.TryGetDecimal(out var number) ? number : (decimal)Math.Clamp(value.GetDouble(), -1e28, 1e28);

    private static bool FitsNumber(JsonProperty keyword, JsonElement value) => keyword.Name switch
    {
        "minimum" => Number(value) >= Number(keyword.Value),
        "maximum" => Number(value) <= Number(keyword.Value),
        "exclusiveMinimum" => Number(value) > Number(keyword.Value),
        "exclusiveMaximum" => Number(value) < Number(keyword.Value),
        _ => true,
    };

    private static bool FitsString(JsonProperty keyword, string value) => keyword.Name switch
    {
        "minLength" => value.EnumerateRunes().Count() >= keyword.Value.GetInt32(),
        "maxLength" => value.EnumerateRunes().Count() <= keyword.Value.GetInt32(),
        "pattern" => Regex.IsMatch(value, keyword.Value.GetString()!, RegexOptions.CultureInvariant),
        "format" => keyword.Value.GetString() switch
        {
            "date" => DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _) || value.StartsWith("0000", StringComparison.Ordinal),
            "uuid" => Guid.TryParseExact(value, "D", out _),
            "ipv4" => value.Split('.').Length == 4 && value.Split('.').All(part => byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _)),
            "ipv6" => System.Net.IPAddress.TryParse(value, out _),
            "date-time" => DateTimeOffset.TryParse(value.Length > 4 && value.StartsWith("0000", StringComparison.Ordinal) ? "2000" + value[4..] : value, CultureInfo.InvariantCulture, out _) || LooksLikeDateTime(value),
            "email" => value.Split('@').Length == 2,
            _ => true,
        },
        _ => true,
    };

    // .NET knows neither the year 0 nor offsets beyond 14 hours.
    private static bool LooksLikeDateTime(string value) => value.Length >= 20 && value[10] == 'T';

    private bool FitsArray(JsonElement schema, JsonProperty keyword, JsonElement value)
    {
        var items = value.EnumerateArray().ToList();
        var numPrefix = schema.TryGetProperty("prefixItems", out var prefix) ? prefix.GetArrayLength() : 0;
        return keyword.Name switch
        {
            "minItems" => items.Count >= keyword.Value.GetInt32(),
            "maxItems" => items.Count <= keyword.Value.GetInt32(),
            "prefixItems" => items.Zip(prefix.EnumerateArray()).All(pair => Fits(pair.Second, pair.First)),
            "items" => items.Skip(numPrefix).All(item => Fits(keyword.Value, item)),
            _ => true,
        };
    }

    private bool FitsObject(JsonElement schema, JsonProperty keyword, JsonElement value)
    {
        var declared = schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().Select(property => property.Name).ToList() : [];
        return keyword.Name switch
        {
            "required" => keyword.Value.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
            "properties" => value.EnumerateObject().All(member => !keyword.Value.TryGetProperty(member.Name, out var schemaOfMember) || Fits(schemaOfMember, member.Value)),
            "additionalProperties" => value.EnumerateObject().All(member => declared.Contains(member.Name) || Fits(keyword.Value, member.Value)),
            _ => true,
        };
    }
}
