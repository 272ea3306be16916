using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class JsonSchemaGrammarTests
{
    private const string Recursive = """
        {"$defs": {"node": {"type": "object", "properties": {"value": {"type": "integer", "minimum": 0, "maximum": 9},
          "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 3}}, "required": ["value"], "additionalProperties": false}}, "$ref": "#/$defs/node"}
        """;

    private static readonly JsonSerializerOptions[] layouts =
    [
        new(),
        new() { WriteIndented = true },
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping },
    ];

    [Fact]
    public void What_random_tokens_of_the_masks_make_fits_the_schema() => Gen.Int[0, 1_000_000].Sample(
        seed =>
        {
            var schema = new RandomSchema(new Random(seed)).Next(3).Schema.ToJsonString();
            using var document = JsonDocument.Parse(schema);
            var grammar = Grammar.FromJsonSchema(schema, (JsonWhitespace)(seed % 3));
            for (var i = 0; i < 3; i++)
            {
                var text = GrammarWalk.Draw(grammar, new Random(seed + i));
                using var value = JsonDocument.Parse(text);
                Assert.True(new SchemaValidator(document.RootElement).Fits(value.RootElement), $"{schema}\n{text}");
            }
        },
        iter: 150);

    [Fact]
    public void The_tokens_of_every_fitting_value_are_allowed() => Gen.Int[0, 1_000_000].Sample(
        seed =>
        {
            var (schema, value) = new RandomSchema(new Random(seed)).Next(3);
            var grammar = Grammar.FromJsonSchema(schema.ToJsonString());

            // Strings under a pattern take only the escapes that JSON needs, so the relaxed encoder is the one for all.
            var relaxed = new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = seed % 2 == 0 };
            var text = value?.ToJsonString(relaxed) ?? "null";
            if (!text.Contains("\\u", StringComparison.Ordinal))
            {
                Assert.True(GrammarWalk.Takes(grammar, text), $"{schema.ToJsonString()}\n{text}");
            }
        },
        iter: 300);

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"},"b":{}},"required":["a"]}""", """{"a":"\u00e4\uD83D\uDE00\n","b":[1,{"c":null}]}""")]
    [InlineData("""{"type":"array","items":{"type":"number"}}""", """[0, -1.5e-7, 1E+9, 0.25]""")]
    [InlineData("""{"properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}}}""", """{"b": 2}""")]
    [InlineData("""{"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"a":{"maxLength":2},"b":{"const":null}}}]}""", """{"a":"xy","b":null}""")]
    [InlineData("""{"additionalProperties":{"type":"integer"},"properties":{"a":{"type":"string"}}}""", """{"a":"1","ab":2,"b":3}""")]
    [InlineData("""{"type":"integer"}""", "-1234567890123456789")]
    [InlineData("true", """{"any":["thing"]}""")]
    public void Values_that_fit_are_taken(string schema, string value) => Assert.True(GrammarWalk.Takes(Grammar.FromJsonSchema(schema), value));

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}""", """{"b":"x"}""")]
    [InlineData("""{"type":"object","properties":{"a":{}},"required":["a"]}""", "{}")]
    [InlineData("""{"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"a":{"maxLength":2}}}]}""", """{"a":"xyz"}""")]
    [InlineData("""{"additionalProperties":{"type":"integer"},"properties":{"a":{"type":"string"}}}""", """{"a":1}""")]
    [InlineData("""{"additionalProperties":{"type":"integer"},"properties":{"a":{"type":"string"}}}""", """{"\u0061":1}""")]
    [InlineData("""{"type":"string","maxLength":2}""", "\"😀😀😀\"")]
    [InlineData("""{"type":"string"}""", "\"\\uD83D\"")]
    [InlineData("""{"type":"string"}""", "\"a\nb\"")]
    [InlineData("""{"type":"object","properties":{}}""", """{"a":1}""")]
    [InlineData("""{"type":"integer"}""", "007")]
    [InlineData("""{"type":"integer"}""", "1.0")]
    [InlineData("""{"type":"array"}""", "[1,]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"}],"items":false}""", """["a",1]""")]
    [InlineData("""{"type":"object"}""", """{"a":1,}""")]
    [InlineData("""{"type":"object"}""", "{  \"a\":1}")]
    [InlineData("""{"enum":["a","b"],"maxLength":0}""", "\"a\"", true)]
    public void Values_that_do_not_fit_are_not_taken(string schema, string value, bool isRefused = false)
    {
        if (isRefused)
        {
            Assert.Throws<InvalidInputException>(() => Grammar.FromJsonSchema(schema));
        }
        else
        {
            Assert.False(GrammarWalk.Takes(Grammar.FromJsonSchema(schema), value));
        }
    }

    [Fact]
    public void A_recursive_schema_is_followed_to_any_depth_below_the_limit()
    {
        var grammar = Grammar.FromJsonSchema(Recursive);
        using var schema = JsonDocument.Parse(Recursive);
        for (var seed = 0; seed < 30; seed++)
        {
            using var value = JsonDocument.Parse(GrammarWalk.Draw(grammar, new Random(seed), patience: 200), new JsonDocumentOptions { MaxDepth = 300 });
            Assert.True(new SchemaValidator(schema.RootElement).Fits(value.RootElement));
        }

        Assert.True(GrammarWalk.Takes(grammar, """{"value":1,"children":[{"value":2,"children":[{"value":3}]},{"value":4}]}"""));
        Assert.False(GrammarWalk.Takes(grammar, """{"value":1,"children":[{"value":2,"children":[{"value":33}]}]}"""));
    }

    [Fact]
    public void At_the_depth_limit_every_text_can_still_be_completed()
    {
        // Each level asks for one more list; only the masks keep the walk from going down for ever.
        var grammar = Grammar.FromJsonSchema("""{"type":"array","items":{"$ref":"#"},"maxItems":2}""", JsonWhitespace.None);
        var matcher = grammar.CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
        var depth = 0;
        while (matcher.Accept("["u8))
        {
            depth++;
        }

        Assert.InRange(depth, 100, PushdownAutomaton.MaxDepth);
        while (depth-- > 0)
        {
            Assert.True(matcher.Accept("]"u8));
        }

        Assert.True(matcher.IsFinished);
    }

    [Fact]
    public void Any_json_object_is_taken_in_the_usual_layouts()
    {
        var grammar = Grammar.AnyJsonObject();
        var value = new JsonObject { ["ключ"] = new JsonArray(1, 2.5, "x\ty", null, true), ["o"] = new JsonObject { ["e"] = new JsonObject() } };
        foreach (var layout in layouts)
        {
            Assert.True(GrammarWalk.Takes(grammar, value.ToJsonString(layout)));
        }

        Assert.False(GrammarWalk.Takes(grammar, "[]"));
        Assert.False(GrammarWalk.Takes(grammar, "{\"a\":1} "));
    }

    [Fact]
    public void Random_json_objects_parse()
    {
        var grammar = Grammar.AnyJsonObject();
        for (var seed = 0; seed < 60; seed++)
        {
            using var value = JsonDocument.Parse(GrammarWalk.Draw(grammar, new Random(seed)), new JsonDocumentOptions { MaxDepth = 300 });
            Assert.Equal(JsonValueKind.Object, value.RootElement.ValueKind);
        }
    }
}
