using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Engine;

public sealed class InferenceEngineTests : IDisposable
{
    private static readonly SamplingParams greedy = new() { Temperature = 0, MaxTokens = 24 };
    private readonly InferenceEngine engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });

    public void Dispose() => engine.Dispose();

    [Fact]
    public void Greedy_generation_equals_decoding_by_hand()
    {
        int[] prompt = [5, 6, 7, 300];
        using var sequence = engine.CreateSequence();
        var ids = Ids(engine.Start(sequence, prompt, greedy with { IgnoreEos = true }));
        using var state = engine.Loaded.Model.CreateState();
        var tokens = prompt;
        foreach (var id in ids)
        {
            engine.Loaded.Model.Forward([new SequenceChunk(state, tokens)]);
            var logits = engine.Loaded.Model.Logits(tokens.Length - 1)[..engine.Tokenizer.VocabularySize].ToArray();
            Assert.Equal(Array.IndexOf(logits, logits.Max()), id);
            tokens = [id];
        }

        Assert.Equal(24, ids.Length);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_answer_and_another_seed_another()
    {
        var sampling = new SamplingParams { Seed = 7, MaxTokens = 32, LogProbs = true };
        var first = await engine.Generate(new[] { 1, 2, 3 }, sampling, TestContext.Current.CancellationToken);
        var second = await engine.Generate(new[] { 1, 2, 3 }, sampling, TestContext.Current.CancellationToken);
        var other = await engine.Generate(new[] { 1, 2, 3 }, sampling with { Seed = 8 }, TestContext.Current.CancellationToken);
        Assert.Equal(first.Tokens, second.Tokens);
        Assert.Equal(first.LogProbs, second.LogProbs);
        Assert.Equal(first.Tokens.Count, first.LogProbs.Count);
        Assert.NotEqual(first.Tokens, other.Tokens);
        Assert.Equal(FinishReason.Length, first.FinishReason);
    }

    [Fact]
    public void A_prompt_that_continues_the_sequence_reuses_it_bit_for_bit()
    {
        var prompt = Enumerable.Range(0, 600).Select(i => (i * 31) % 256).ToArray();
        using var warm = engine.CreateSequence();
        Assert.Single(Ids(engine.Start(warm, prompt.AsMemory(0, 512), greedy with { MaxTokens = 1 })));
        var reused = engine.Start(warm, prompt, greedy);
        using var cold = engine.CreateSequence();
        var fresh = engine.Start(cold, prompt, greedy);
        Assert.Equal(Ids(fresh), Ids(reused));
        Assert.Equal(512, reused.NumCachedTokens);
        Assert.Equal(0, fresh.NumCachedTokens);
        var diverging = engine.Start(warm, new[] { 9, 9, 9 }, greedy);
        Ids(diverging);
        Assert.Equal(0, diverging.NumCachedTokens);
    }

    [Fact]
    public void A_stop_id_ends_the_generation_and_is_not_part_of_it()
    {
        using var sequence = engine.CreateSequence();
        var free = Ids(engine.Start(sequence, new[] { 5, 6, 7 }, greedy));
        var stopAt = free[3];
        using var other = engine.CreateSequence();
        var generation = engine.Start(other, new[] { 5, 6, 7 }, greedy with { StopTokenIds = [stopAt] });
        Assert.Equal(free[..Array.IndexOf(free, stopAt)], Ids(generation));
        Assert.Equal(FinishReason.Stop, generation.FinishReason);
    }

    [Fact]
    public void A_stop_string_across_token_borders_ends_the_text_before_it()
    {
        var text = Text(greedy with { MaxTokens = 40 }, out _);
        var stop = text.Substring(text.Length / 2, 3);
        var cut = Text(greedy with { MaxTokens = 40, Stop = [stop] }, out var reason);
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], cut);
        Assert.Equal(FinishReason.Stop, reason);
    }

    [Fact]
    public void A_thinking_budget_forces_the_closing_message()
    {
        using var sequence = engine.CreateSequence();
        var generation = engine.Start(sequence, new[] { 5, 6, 7 }, greedy with { ThinkingBudget = 5, MaxTokens = 200, IgnoreEos = true }, startsInReasoning: true);
        var ids = Ids(generation);
        var closing = engine.Tokenizer.Encode(InferenceEngine.ThinkingClosing);
        Assert.Equal(closing, ids[5..(5 + closing.Length)]);
        Assert.Equal(5, generation.ReasoningTokens);
    }

    [Fact]
    public void Cancelling_stops_before_the_next_step_and_the_sequence_goes_on()
    {
        using var stop = new CancellationTokenSource();
        using var sequence = engine.CreateSequence();
        var seen = new List<int>();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var token in engine.Start(sequence, new[] { 5, 6, 7 }, greedy).Tokens(stop.Token))
            {
                seen.Add(token.Id);
                if (seen.Count == 4)
                {
                    stop.Cancel();
                }
            }
        });
        Assert.Equal(4, seen.Count);
        int[] continued = [.. sequence.Tokens, 1, 2];
        var next = engine.Start(sequence, continued, greedy);
        Ids(next);
        Assert.Equal(continued.Length - 2, next.NumCachedTokens);
    }

    [Fact]
    public void Prompts_that_cannot_run_are_refused_before_anything_starts()
    {
        using var sequence = engine.CreateSequence();
        Assert.Contains("empty", Refusal(sequence, []), StringComparison.Ordinal);
        Assert.Contains("4,096", Refusal(sequence, new int[5000]), StringComparison.Ordinal);
        Assert.Contains("600", Refusal(sequence, [600]), StringComparison.Ordinal);
        Assert.Empty(sequence.Tokens);
    }

    [Fact]
    public void A_context_beyond_the_memory_limit_is_refused_with_the_bytes()
    {
        var shape = engine.Loaded.Config;
        var limit = MiniMaxM1.RunBytes(shape, 1024, 512, KeyValueType.F16);
        using var small = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1, MemoryLimit = limit });
        using var sequence = small.CreateSequence();
        var error = Assert.Throws<InvalidInputException>(() => small.Start(sequence, new int[1000], greedy with { MaxTokens = 1000 }));
        Assert.Contains($"{limit:N0} bytes", error.Message, StringComparison.Ordinal);
        var fits = small.Start(sequence, new int[1000], greedy with { MaxTokens = null, IgnoreEos = true });
        Assert.Equal(24, Ids(fits).Length);
        Assert.Equal(FinishReason.Length, fits.FinishReason);
    }

    [Fact]
    public void A_tokenizer_with_more_ids_than_the_model_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("minimax-engine-").FullName;
        try
        {
            var model = Fixtures.Golden("model/tiny-shared"); // 256 ids
            foreach (var file in Directory.GetFiles(model).Concat(Directory.GetFiles(RandomTiny.Folder, "tokenizer*")))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }

            var error = Assert.Throws<InvalidInputException>(() => InferenceEngine.Open(folder));
            Assert.Contains("512", error.Message, StringComparison.Ordinal);
            Assert.Contains("256", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int[] Ids(Generation generation) => [.. generation.Tokens().Where(token => token.Id >= 0).Select(token => token.Id)];

    private string Refusal(Sequence sequence, int[] prompt) =>
        Assert.Throws<InvalidInputException>(() => Ids(engine.Start(sequence, prompt, greedy))).Message;

    private string Text(SamplingParams sampling, out FinishReason? reason)
    {
        using var sequence = engine.CreateSequence();
        var generation = engine.Start(sequence, new[] { 5, 6, 7 }, sampling);
        var text = string.Concat(generation.Tokens().Select(token => token.Text));
        reason = generation.FinishReason;
        return text;
    }
}
