using System.Diagnostics;
using System.Text;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class HostileSchemaTests
{
    public static TheoryData<string, string> Schemas => new()
    {
        { "deep", Repeat("""{"type":"array","items":""", 5000, "true", "}") },
        { "properties inside one another", Repeat("""{"properties":{"a":""", 120, "true", "}}") },
        { "$", "{\"a\":" },
        { "itself", """{"$ref":"#"}""" },
        { "itself", """{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}""" },
        { "no text fits", """{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""" },
        { "combinations", $$"""{"allOf":[{{string.Join(',', Enumerable.Repeat("""{"anyOf":[{"minLength":1},{"minLength":2},{"minLength":3}]}""", 30))}}]}""" },
        { "$.pattern", """{"pattern":"((a{1000}){1000}){1000}"}""" },
        { "$.pattern", """{"pattern":"(((){100000}){100000}){100000}"}""" },
        { "$.pattern", """{"pattern":"(a|b|ab)*c(a|b)*.{40}[ab].{60}$"}""" },
        { "$.properties.a.pattern", """{"properties":{"a":{"pattern":"^(.*a.{30})+$"}}}""" },
        { "$.pattern", $$"""{"pattern":"{{new string('(', 5000)}}"}""" },
        { "$.pattern", """{"type":"string","pattern":"[\\p{L}]{5000}[\\p{N}]{5000}"}""" },
        { "$.items.multipleOf", """{"type":"array","items":{"type":"number","multipleOf":3}}""" },
        { "$.properties[\"a b\"].not", """{"properties":{"a b":{"not":{}}}}""" },
        { "$.type", """{"type":"text"}""" },
        { "$.$ref", """{"$ref":"https://example.org/schema"}""" },
        { "#/$defs/b", """{"$defs":{"a":{}},"$ref":"#/$defs/b"}""" },
        { "no text fits", "false" },
        { "no text fits", """{"type":"string","minLength":3,"maxLength":2}""" },
        { "no string fits", """{"type":"string","pattern":"^a{3}$","maxLength":2}""" },
        { "lone surrogate", """{"properties":{"\ud800":{}}}""" },
        { "large", $$"""{"enum":[{{string.Join(',', Enumerable.Range(0, 60_000).Select(i => $"\"{i * 7919:D9}\""))}}]}""" },
        { "large", $$"""{"properties":{ {{string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"p{i:D12}\":{{\"type\":\"string\",\"maxLength\":{i + 1}}}"))}} } }""" },
        { "into one another", $$"""{"$defs":{ {{string.Join(',', Enumerable.Range(0, 5000).Select(i => $"\"d{i}\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}"))}},"d5000":{} },"$ref":"#/$defs/d0"}""" },
        { "minItems", """{"type":"array","minItems":-1}""" },
        { "enum", """{"enum":"a"}""" },
    };

    [Theory]
    [MemberData(nameof(Schemas))]
    public void A_hostile_schema_ends_soon_with_its_path_or_its_problem(string named, string schema)
    {
        var clock = Stopwatch.StartNew();
        Exception? error = null;
        try
        {
            Grammar.FromJsonSchema(schema);
        }
        catch (InvalidInputException refused)
        {
            error = refused;
        }

        TestContext.Current.TestOutputHelper!.WriteLine(FormattableString.Invariant($"{clock.Elapsed.TotalMilliseconds:F0} ms"));

        // The bound is one second on a free machine; the tests of a shared one may wait.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);
        if (named == "properties inside one another")
        {
            Assert.Null(error);
        }
        else
        {
            Assert.Contains(named, error?.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("""{"type":"array","minItems":1000000000,"items":{"type":"boolean"}}""")]
    [InlineData("""{"type":"string","minLength":2000000000,"maxLength":2000000001}""")]
    public void Huge_counts_cost_nothing(string schema)
    {
        var matcher = Grammar.FromJsonSchema(schema).CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
        var mask = new uint[matcher.MaskLength];
        for (var i = 0; i < 20; i++)
        {
            matcher.FillMask(mask);
            Assert.True(matcher.Accept(GrammarWalk.Allowed(mask)[0]));
            Assert.False(matcher.CanEnd);
        }
    }

    [Fact]
    public void A_schema_that_is_too_long_is_refused() =>
        Assert.Contains("longer", Assert.Throws<InvalidInputException>(() => Grammar.FromJsonSchema(new string(' ', Grammar.MaxSchemaBytes + 1))).Message, StringComparison.Ordinal);

    [Fact]
    public void Choices_need_texts()
    {
        Assert.Throws<InvalidInputException>(() => Grammar.FromChoices([]));
        Assert.Throws<InvalidInputException>(() => Grammar.FromChoices(["half \ud800"]));
    }

    private static string Repeat(string before, int count, string inner, string after) =>
        new StringBuilder().Insert(0, before, count).Append(inner).Insert(0, "").Append(string.Concat(Enumerable.Repeat(after, count))).ToString();
}
