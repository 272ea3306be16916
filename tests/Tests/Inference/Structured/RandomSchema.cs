using System.Text;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Inference.Structured;

/// <summary>Random schemas, each with a value that fits it.</summary>
internal sealed class RandomSchema(Random random)
{
    private static readonly string[] names = ["id", "name", "größe", "a \"quoted\" key", "nested.value", "tags", "名前", "x", "xy", "line\nend", "back\\slash"];
    private static readonly (string Pattern, string Example)[] patterns =
    [
        ("^[a-z]{2,5}$", "abc"), ("^\\d{3}-\\d{4}$", "555-1234"), ("^(foo|bar)+$", "foobar"), ("^[^\"\\\\]{0,4}$", "é ü"), ("^\\p{Lu}\\w*!?$", "Hello!"),
        ("^[a-c]?b{2}", "abba"), ("^\"[ab]\\\\$", "\"a\\"), ("^.{1,6}$", "日本語"), ("^a?$", "a"),
    ];

    private static readonly (string Format, string Example)[] formats =
    [
        ("date", "2024-02-29"), ("uuid", "123e4567-e89b-12d3-a456-426614174000"), ("ipv4", "192.168.0.1"), ("date-time", "2025-01-31T23:59:59.5+02:00"),
        ("email", "a.b@example.org"), ("ipv6", "fe80::1"), ("unknown-format", "anything"),
    ];

    /// <summary>A schema and a value, to a depth.</summary>
    public (JsonNode Schema, JsonNode? Value) Next(int depth)
    {
        switch (random.Next(depth > 0 ? 12 : 7))
        {
            case 0:
                return (new JsonObject { ["type"] = "boolean" }, JsonValue.Create(random.Next(2) == 0));
            case 1:
                return (new JsonObject { ["type"] = new JsonArray("null", "integer") }, null);
            case 2:
                return Integer();
            case 3:
                return Number();
            case 4 or 5:
                return Text();
            case 6:
                JsonNode?[] values = ["red", 1, -2.5, null, "red green", true, new JsonArray(1, "x"), new JsonObject { ["k"] = "v" }];
                var kept = values.Skip(random.Next(values.Length)).ToArray();
                return (new JsonObject { ["enum"] = new JsonArray([.. kept.Select(value => value?.DeepClone())]) }, kept[random.Next(kept.Length)]?.DeepClone());
            case 7 or 8:
                return Array(depth);
            case 9:
                var branches = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Next(depth - 1)).ToList();
                return (new JsonObject { [random.Next(2) == 0 ? "anyOf" : "oneOf"] = new JsonArray([.. branches.Select(branch => branch.Schema)]) }, branches[0].Value);
            default:
                return Object(depth);
        }
    }

    private (JsonNode, JsonNode?) Integer()
    {
        var min = random.Next(-2000, 2000);
        var max = min + random.Next(0, 3000);
        var schema = new JsonObject { ["type"] = "integer" };
        if (random.Next(3) > 0)
        {
            schema["minimum"] = min;
        }

        if (random.Next(3) > 0)
        {
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = max + 1;
        }

        return (schema, random.Next(min, max + 1));
    }

    private (JsonNode, JsonNode?) Number()
    {
        var min = random.Next(-2000, 2000) / 100m;
        var max = min + (random.Next(1, 3000) / 1000m);
        var schema = new JsonObject { ["type"] = "number" };
        if (random.Next(3) > 0)
        {
            schema[random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] = min;
        }

        if (random.Next(3) > 0)
        {
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = max;
        }

        return (schema, (min + max) / 2);
    }

    private (JsonNode, JsonNode?) Text()
    {
        var schema = new JsonObject { ["type"] = "string" };
        switch (random.Next(4))
        {
            case 0:
                var (pattern, example) = patterns[random.Next(patterns.Length)];
                schema["pattern"] = pattern;
                return (schema, example);
            case 1:
                var (format, date) = formats[random.Next(formats.Length)];
                schema["format"] = format;
                return (schema, date);
            default:
                var min = random.Next(4);
                var max = min + random.Next(12);
                schema["minLength"] = min;
                if (random.Next(3) > 0)
                {
                    schema["maxLength"] = max;
                }

                return (schema, Characters(random.Next(min, max + 1)));
        }
    }

    private string Characters(int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            text.Append(new Rune(random.Next(6) switch { 0 => 0x1F600 + random.Next(40), 1 => 0x4E00 + random.Next(500), 2 => random.Next(1, 0x60), _ => 'a' + random.Next(26) }));
        }

        return text.ToString();
    }

    private (JsonNode, JsonNode?) Array(int depth)
    {
        var schema = new JsonObject { ["type"] = "array" };
        var prefix = Enumerable.Range(0, random.Next(3)).Select(_ => Next(depth - 1)).ToList();
        var item = Next(depth - 1);
        var rest = random.Next(4);
        if (prefix.Count > 0)
        {
            schema["prefixItems"] = new JsonArray([.. prefix.Select(part => part.Schema)]);
        }

        schema["items"] = item.Schema;
        schema["minItems"] = random.Next(prefix.Count + rest + 1);
        if (random.Next(2) == 0)
        {
            schema["maxItems"] = prefix.Count + rest + random.Next(3);
        }

        return (schema, new JsonArray([.. prefix.Select(part => part.Value), .. Enumerable.Range(0, rest).Select(_ => item.Value?.DeepClone())]));
    }

    private (JsonNode, JsonNode?) Object(int depth)
    {
        var chosen = names.Where(_ => random.Next(3) == 0).ToList();
        var (properties, value, required) = (new JsonObject(), new JsonObject(), new JsonArray());
        foreach (var name in chosen)
        {
            var (schemaOfName, valueOfName) = Next(depth - 1);
            properties[name] = schemaOfName;
            var isRequired = random.Next(2) == 0;
            if (isRequired)
            {
                required.Add(name);
            }

            if (isRequired || random.Next(2) == 0)
            {
                value[name] = valueOfName;
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        switch (random.Next(3))
        {
            case 0:
                schema["additionalProperties"] = false;
                break;
            case 1:
                var (additional, extra) = Next(0);
                schema["additionalProperties"] = additional;
                value["extra ✓"] = extra;
                break;
        }

        return (schema, value);
    }
}
