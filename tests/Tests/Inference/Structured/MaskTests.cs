using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class MaskTests
{
    [Fact]
    public void A_mask_allows_exactly_the_tokens_that_are_taken() => Gen.Int[0, 1_000_000].Sample(
        seed =>
        {
            var random = new Random(seed);
            var grammar = Grammar.FromJsonSchema(new RandomSchema(random).Next(2).Schema.ToJsonString());
            var matcher = grammar.CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
            var mask = new uint[matcher.MaskLength];
            for (var step = 0; step < 12 && !matcher.IsFinished; step++)
            {
                matcher.FillMask(mask);
                var allowed = GrammarWalk.Allowed(mask);
                var taken = Enumerable.Range(0, GrammarWalk.Trie.VocabularySize).Where(id => matcher.Clone().Accept(id)).ToList();
                Assert.Equal(taken, allowed);
                Assert.True(matcher.Accept(allowed[random.Next(allowed.Count)]));
            }
        },
        iter: 60);

    [Fact]
    public void A_token_that_is_refused_changes_nothing()
    {
        var matcher = Grammar.FromChoices(["yes", "no"]).CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
        Assert.False(matcher.Accept("x"u8));
        Assert.False(matcher.Accept(GrammarWalk.EndIds[0]));
        Assert.False(matcher.Accept("yex"u8));
        Assert.True(matcher.Accept("y"u8));
        var fork = matcher.Clone();
        Assert.True(fork.Accept("es"u8));
        Assert.True(fork.IsFinished);
        Assert.False(matcher.CanEnd);
        Assert.False(matcher.Accept("no"u8));
    }

    [Fact]
    public void The_end_of_the_turn_is_allowed_only_where_the_text_can_end()
    {
        var matcher = Grammar.FromRegex("ab?").CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
        var mask = new uint[matcher.MaskLength];
        matcher.FillMask(mask);
        Assert.DoesNotContain(GrammarWalk.EndIds[0], GrammarWalk.Allowed(mask));
        matcher.Accept("a"u8);
        matcher.FillMask(mask);
        Assert.Contains(GrammarWalk.EndIds[0], GrammarWalk.Allowed(mask));
        Assert.False(matcher.IsFinished);
        Assert.True(matcher.Accept(GrammarWalk.EndIds[0]));
        Assert.True(matcher.IsFinished);
        matcher.FillMask(mask);
        Assert.False(matcher.Accept("b"u8));
    }

    [Fact]
    public void Special_tokens_are_never_text()
    {
        var matcher = Grammar.FromRegex("[\\s\\S]*").CreateMatcher(GrammarWalk.Trie, []);
        var mask = new uint[matcher.MaskLength];
        matcher.FillMask(mask);
        var allowed = GrammarWalk.Allowed(mask);
        Assert.NotEmpty(allowed);
        Assert.DoesNotContain(allowed, GrammarWalk.Tokenizer.IsSpecial);
    }

    [Fact]
    public void Thinking_comes_first_where_it_may()
    {
        var grammar = Grammar.FromChoices(["yes", "no"]);
        foreach (var (start, text, fits) in new[]
        {
            (GrammarStart.MayThink, "yes", true),
            (GrammarStart.MayThink, "<think>\nHm < </thin </think>\n\nyes", true),
            (GrammarStart.MayThink, "<think>\nno", false),
            (GrammarStart.MayThink, "<think></think>maybe", false),
            (GrammarStart.Thinking, "so…</think>no", true),
            (GrammarStart.Thinking, "yes", false),
            (GrammarStart.Content, "<think></think>yes", false),
        })
        {
            var matcher = grammar.CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds, start);
            Assert.Equal(fits, matcher.Accept(System.Text.Encoding.UTF8.GetBytes(text)) && matcher.CanEnd);
        }
    }

    [Fact]
    public async Task One_grammar_serves_many_threads()
    {
        var grammar = Grammar.AnyJsonObject();
        var alone = Enumerable.Range(0, 8).Select(seed => GrammarWalk.Draw(Grammar.AnyJsonObject(), new Random(seed))).ToArray();
        var together = await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(() => GrammarWalk.Draw(grammar, new Random(seed)))));
        Assert.Equal(alone, together);
    }

    [Fact]
    public void A_table_that_begins_anew_keeps_the_language()
    {
        var (budget, random) = (new CompileBudget(), new Random(1));
        var graph = new PushdownGraph(budget);
        var dfa = ByteDfa.Of(RegexParser.Parse("([a-z ]*[ae][a-z ]{5})*;", "regex"), ByteForm.Utf8, budget, "regex")!;
        var rule = graph.AddRule();
        graph.AddEmpty(graph.AddDfa(graph.Rules[rule].Start, dfa), graph.Rules[rule].End);
        var automaton = PushdownAutomaton.Of(graph, rule)!;
        var (large, small) = (new ConfigurationTable(automaton), new ConfigurationTable(automaton, maxTransitions: 30));
        var (largeMasks, smallMasks) = (new MaskBuilder(automaton, large, GrammarWalk.Trie), new MaskBuilder(automaton, small, GrammarWalk.Trie));
        var (inLarge, inSmall) = (large.Begin(graph.Rules[rule].Start), small.Begin(graph.Rules[rule].Start));
        for (var step = 0; step < 40; step++)
        {
            var expected = Bits(largeMasks.Of(inLarge));
            inSmall = small.Find(inSmall);
            Assert.Equal(expected, Bits(smallMasks.Of(inSmall)));
            var next = GrammarWalk.Allowed(expected).Where(id => !GrammarWalk.Tokenizer.TokenBytes(id).Contains((byte)';')).ToList();
            foreach (var value in GrammarWalk.Tokenizer.TokenBytes(next[random.Next(next.Count)]).ToArray())
            {
                inLarge = large[large.Next(inLarge.Id, value)];
                inSmall = small.Find(inSmall);
                inSmall = small[small.Next(inSmall.Id, value)];
            }
        }
    }

    private static uint[] Bits(TokenMask mask)
    {
        var bits = mask.Bits ?? new uint[GrammarWalk.Trie.MaskLength];
        foreach (var id in mask.Ids ?? [])
        {
            bits[id >> 5] |= 1u << id;
        }

        return bits;
    }
}
