using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

/// <summary>Time of the masks on the vocabulary of MiniMax-M1 (200,026 ids). The numbers are printed; the bound is loose, for machines that are shared.</summary>
public class MaskSpeedTests
{
    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string"},"bio":{"type":"string","maxLength":200},"code":{"type":"string","pattern":"^[A-Z]{2,4}-[a-z0-9]{1,40}$"},
         "born":{"type":"string","format":"date"},"age":{"type":"integer","minimum":0,"maximum":130},"score":{"type":"number"},
         "role":{"enum":["admin","editor","reader"]},"tags":{"type":"array","items":{"type":"string"}},"notes":{"type":"object"}},
         "required":["name","bio","code","born","age","score","role","tags","notes"],"additionalProperties":false}
        """;

    [Fact]
    public void A_mask_of_the_real_vocabulary_takes_less_than_a_millisecond_as_a_rule()
    {
        var tokenizer = Tokenizer.Load(Fixtures.Shared("data/minimax-m1"));
        var clock = Stopwatch.StartNew();
        var trie = new TokenTrie(tokenizer);
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"trie: {clock.Elapsed.TotalMilliseconds:F0} ms"));
        var value = new JsonObject
        {
            ["name"] = "Johann Wolfgang von Goethe",
            ["bio"] = "Deutscher Dichter, geboren in Frankfurt; schrieb den Faust, Werther und vieles mehr. 歌德是德国诗人。",
            ["code"] = "JWG-weimar1832faust",
            ["born"] = "1749-08-28",
            ["age"] = 82,
            ["score"] = 9.75,
            ["role"] = "editor",
            ["tags"] = new JsonArray("poet", "naturalist \"and\" lawyer", "Staatsmann"),
            ["notes"] = new JsonObject { ["works"] = new JsonArray("Faust", "Die Leiden des jungen Werthers", 1774), ["extra"] = new JsonObject { ["a b"] = null } },
        };
        var options = new System.Text.Json.JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };
        var ids = tokenizer.Encode(value.ToJsonString(options));
        clock.Restart();
        var grammar = Grammar.FromJsonSchema(Person);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"compile: {clock.Elapsed.TotalMilliseconds:F1} ms, {ids.Length} tokens"));
        var first = Measure(grammar, trie, ids, output, "first run");
        Measure(grammar, trie, ids, output, "second run");
        Measure(Grammar.AnyJsonObject(), trie, ids, output, "any object");
        Assert.InRange(first, 0, 5);
    }

    private static double Measure(Grammar grammar, TokenTrie trie, int[] ids, ITestOutputHelper output, string name)
    {
        var matcher = grammar.CreateMatcher(trie, []);
        var mask = new uint[matcher.MaskLength];
        var times = new List<double>();
        foreach (var id in ids)
        {
            var start = Stopwatch.GetTimestamp();
            matcher.FillMask(mask);
            Assert.True(matcher.Accept(id));
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: median {times[times.Count / 2]:F3} ms, mean {times.Average():F3} ms, 90% {times[times.Count * 9 / 10]:F3} ms, worst {times[^1]:F3} ms"));
        return times[times.Count / 2];
    }
}
