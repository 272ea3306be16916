using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tests.Cli;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class GrammarGenerationTests
{
    private const string Schema = """
        {"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":0,"maximum":130},
         "tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":3}},"required":["name","age","tags"],"additionalProperties":false}
        """;

    [Fact]
    public void The_random_model_always_gives_json_that_fits()
    {
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        using var schema = JsonDocument.Parse(Schema);
        var grammar = Grammar.FromJsonSchema(Schema);
        for (var seed = 0UL; seed < 25; seed++)
        {
            using var sequence = engine.CreateSequence();
            var sampling = new SamplingParams { Seed = seed, TopP = 1, MaxTokens = 300, LogProbs = true };
            var generation = engine.Start(sequence, new[] { 5, 6, 7 }, sampling, grammar: grammar, grammarStart: GrammarStart.Content);
            var tokens = generation.Tokens(TestContext.Current.CancellationToken).ToList();
            var text = string.Concat(tokens.Select(token => token.Text));
            Assert.Equal(FinishReason.Stop, generation.FinishReason);
            using var value = JsonDocument.Parse(text);
            Assert.True(new SchemaValidator(schema.RootElement).Fits(value.RootElement), text);
            Assert.All(tokens.Where(token => token.Id >= 0), token => Assert.InRange(token.LogProb!.Value, -60, 0));
        }
    }

    [Fact]
    public void Thinking_that_a_budget_ends_is_followed_by_the_grammar()
    {
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        using var sequence = engine.CreateSequence();
        var sampling = new SamplingParams { Seed = 1, MaxTokens = 300, ThinkingBudget = 6 };
        var generation = engine.Start(sequence, new[] { 5, 6, 7 }, sampling, startsInReasoning: true, grammar: Grammar.FromChoices(["yes", "no"]));
        var text = string.Concat(generation.Tokens(TestContext.Current.CancellationToken).Select(token => token.Text));
        Assert.Matches("</think>\n\n(yes|no)$", text);
        Assert.Equal(FinishReason.Stop, generation.FinishReason);
    }

    [Fact]
    public async Task Requests_side_by_side_keep_to_their_own_grammars()
    {
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        var digits = Grammar.FromRegex("[0-9]{5,9}");
        var texts = await Task.WhenAll(Enumerable.Range(0, 4).Select(async i =>
        {
            using var running = engine.Submit(new GenerationRequest
            {
                Prompt = new[] { 5, 6, 7 + i },
                Sampling = new SamplingParams { Seed = 1, MaxTokens = 100 },
                Grammar = i == 3 ? null : i == 2 ? Grammar.FromChoices(["left", "right"]) : digits,
                GrammarStart = GrammarStart.Content,
            });
            var text = "";
            await foreach (var (_, token, _) in running.Events(TestContext.Current.CancellationToken))
            {
                text += token.Text;
            }

            return text;
        }));
        Assert.Matches("^[0-9]{5,9}$", texts[0]);
        Assert.Matches("^[0-9]{5,9}$", texts[1]);
        Assert.Contains(texts[2], new[] { "left", "right" });
    }

    [Fact]
    public void A_mask_hides_tokens_and_leaves_the_log_probabilities()
    {
        float[] logits = [1, 2, 3, 4, 5];
        var sampler = new Sampler(new SamplingParams { Temperature = 0, LogProbs = true, TopLogProbs = 2 }, 5, 4);
        var free = sampler.Sample(logits);
        var held = sampler.Sample(logits, [0b0010u]);
        Assert.Equal(3, free.Id);
        Assert.Equal(1, held.Id);
        Assert.Equal(free.LogProb!.Value - 2, held.LogProb!.Value, 1e-12);
        Assert.Equal(free.TopLogProbs, held.TopLogProbs);
        Assert.Equal([1, 2, 3, 4, 5], logits);
        Assert.Throws<InvalidOperationException>(() => sampler.Sample(logits, [0u]));
        Assert.Equal([1, 2, 3, 4, 5], logits);
        Assert.Throws<ArgumentException>(() => sampler.Sample(logits, [1u, 1u]));
    }

    [Theory]
    [InlineData(1.0, 0, 1.0, 0.0)]
    [InlineData(1.0, 3, 1.0, 0.0)]
    [InlineData(1.0, 0, 0.9, 0.0)]
    [InlineData(1.0, 40, 0.5, 0.1)]
    [InlineData(0.0, 0, 1.0, 0.0)]
    public void A_mask_holds_under_every_way_to_draw(double temperature, int topK, double topP, double minP)
    {
        var random = new Random(1);
        var logits = Enumerable.Range(0, 5000).Select(_ => (float)(random.NextDouble() * 20)).ToArray();
        var sampler = new Sampler(new SamplingParams { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, Seed = 5 }, 5000, 5000);
        for (var draw = 0; draw < 200; draw++)
        {
            var mask = new uint[157];
            for (var i = 0; i < 1 + (draw % 7); i++)
            {
                var id = random.Next(5000);
                mask[id >> 5] |= 1u << id;
            }

            var drawn = sampler.Sample(logits, mask).Id;
            Assert.NotEqual(0u, mask[drawn >> 5] & (1u << drawn));
        }
    }

    [Fact]
    public async Task The_run_command_holds_the_answer_to_each_kind_of_grammar()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, Schema, TestContext.Current.CancellationToken);
        string[] common = ["run", "hi", "--raw", "--seed", "3", "--quiet", "--max-tokens", "300"];
        var choice = await CommandLineRun.Of([.. common, "--choice", "red, green,blue"]);
        var regex = await CommandLineRun.Of([.. common, "--regex", "[0-9]{3}-[a-f]{2}"]);
        var schema = await CommandLineRun.Of([.. common, "--json-schema", file]);
        File.Delete(file);
        Assert.Contains(choice.Output.Trim(), new[] { "red", "green", "blue" });
        Assert.Matches("^[0-9]{3}-[a-f]{2}$", regex.Output.Trim());
        using var value = JsonDocument.Parse(schema.Output);
        Assert.Equal(JsonValueKind.Object, value.RootElement.ValueKind);
    }

    [Theory]
    [InlineData("look-around", "--regex", "(?=a)")]
    [InlineData("only one", "--regex", "a", "--json-object")]
    [InlineData("nowhere.json", "--json-schema", "nowhere.json")]
    public async Task A_grammar_that_cannot_be_followed_exits_with_2(string named, params string[] args)
    {
        var run = await CommandLineRun.Of(["run", "hi", .. args]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(named, run.Error, StringComparison.OrdinalIgnoreCase);
    }
}
