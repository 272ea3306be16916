using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class NumberRangeTests
{
    [Fact]
    public void Integers_are_taken_exactly_between_their_bounds() => Gen.Select(Gen.Int[-1200, 1200], Gen.Int[0, 1500], Gen.Int[0, 3]).Sample(
        (min, width, kind) =>
        {
            var max = min + width;
            var schema = $$"""{"type":"integer","{{(kind % 2 == 0 ? "minimum" : "exclusiveMinimum")}}":{{min}},"{{(kind < 2 ? "maximum" : "exclusiveMaximum")}}":{{max}}}""";
            var (low, high) = (min + (kind % 2), max - (kind < 2 ? 0 : 1));
            if (low > high)
            {
                Assert.Throws<InvalidInputException>(() => Grammar.FromJsonSchema(schema));
                return;
            }

            var grammar = Grammar.FromJsonSchema(schema);
            for (var value = min - 30; value <= max + 30; value++)
            {
                Assert.True((value >= low && value <= high) == Takes(grammar, value.ToString(CultureInfo.InvariantCulture)), $"{schema}: {value}");
            }

            Assert.False(Takes(grammar, "-0"));
        },
        iter: 60);

    [Fact]
    public void Decimal_numbers_are_taken_exactly_between_their_bounds() => Gen.Select(Gen.Int[-3000, 3000], Gen.Int[0, 4000], Gen.Int[0, 3]).Sample(
        (from, width, kind) =>
        {
            var (min, max) = (from / 100m, (from + width) / 100m);
            var schema = JsonSerializer.Serialize(new Dictionary<string, object>
            {
                ["type"] = "number",
                [kind % 2 == 0 ? "minimum" : "exclusiveMinimum"] = min,
                [kind < 2 ? "maximum" : "exclusiveMaximum"] = max,
            });
            if (width == 0 && kind != 0)
            {
                return;
            }

            var grammar = Grammar.FromJsonSchema(schema);
            for (var value = (min * 1000) - 25; value <= (min * 1000) + 60; value++)
            {
                Check(value / 1000);
            }

            for (var value = (max * 1000) - 25; value <= (max * 1000) + 60; value++)
            {
                Check(value / 1000);
            }

            void Check(decimal value)
            {
                var fits = (kind % 2 == 0 ? value >= min : value > min) && (kind < 2 ? value <= max : value < max) && value != 0;
                foreach (var format in value == 0 ? [] : new[] { "0.000", "0.######" })
                {
                    Assert.True(fits == Takes(grammar, value.ToString(format, CultureInfo.InvariantCulture)), $"{schema}: {value}");
                }
            }
        },
        iter: 60);

    [Theory]
    [InlineData("""{"type":"integer","minimum":-1.5,"maximum":2.5}""", "-1 0 1 2", "-2 3 1.5")]
    [InlineData("""{"type":"integer","minimum":99999999999999999999999}""", "99999999999999999999999 100000000000000000000000", "99999999999999999999998")]
    [InlineData("""{"type":"number","minimum":1e2,"maximum":1.5E2}""", "100 100.0 150 149.999", "99.9 150.1")]
    [InlineData("""{"type":"number","exclusiveMaximum":0}""", "-0.5 -1", "0 0.0 -0.0 1")]
    [InlineData("""{"type":"number","minimum":0.001,"maximum":0.0011}""", "0.001 0.0010 0.00105 0.0011", "0.00111 0.0009 0")]
    public void Bounds_of_any_spelling_are_followed(string schema, string inside, string outside)
    {
        var grammar = Grammar.FromJsonSchema(schema);
        Assert.All(inside.Split(' '), text => Assert.True(Takes(grammar, text), text));
        Assert.All(outside.Split(' '), text => Assert.False(Takes(grammar, text), text));
    }

    private static bool Takes(Grammar grammar, string text)
    {
        var matcher = grammar.CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
        return matcher.Accept(Encoding.UTF8.GetBytes(text)) && matcher.CanEnd;
    }
}
