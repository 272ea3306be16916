using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Engine;

public sealed class PromptLogProbTests : IDisposable
{
    private readonly EngineRun run = new();

    public void Dispose() => run.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(700)]
    public void They_are_those_of_the_models_own_logits(int length)
    {
        var prompt = EngineRun.Tokens(length, 3);
        var scores = Score(run, prompt, alternatives: 3);
        var logits = Logits(prompt);
        Assert.Equal(prompt[1..], scores.Select(score => score.Id));
        for (var i = 0; i < scores.Count; i++)
        {
            var expected = LogSoftmax(logits[i]);
            var best = Enumerable.Range(0, run.Engine.UsableVocabulary).OrderByDescending(id => expected[id]).ThenBy(id => id).Take(3).ToArray();
            Assert.Equal(expected[prompt[i + 1]], scores[i].LogProb, 1e-9);
            Assert.Equal(1 + expected[..run.Engine.UsableVocabulary].Count(value => value > expected[prompt[i + 1]]), scores[i].Rank);
            Assert.Equal(best, scores[i].TopLogProbs.Select(top => top.Id));
            Assert.Equal(expected[best[2]], scores[i].TopLogProbs[2].LogProb, 1e-9);
        }
    }

    [Fact]
    public void A_known_prompt_runs_again_and_gives_the_same_bits_and_stays_known()
    {
        var prompt = EngineRun.Tokens(600, 1);
        var cold = Score(run, prompt);
        var request = EngineRun.Request(prompt) with { PromptLogProbs = 0 };
        var (answer, warm) = run.Answer(request);
        Assert.Equal(cold.Select(Bits), warm.PromptLogProbs!.Select(Bits));
        Assert.Equal(0, warm.CachedTokens);
        Assert.StartsWith("logprobs: ", warm.CacheMissReason, StringComparison.Ordinal);
        var (plain, after) = run.Answer(request with { PromptLogProbs = null });
        Assert.Equal((answer, 512), (plain, after.CachedTokens));
        Assert.Null(after.PromptLogProbs);
    }

    [Fact]
    public void Company_and_lost_states_change_no_bit()
    {
        var prompts = Enumerable.Range(0, 4).Select(i => EngineRun.Tokens(200 + (i * 150), i)).ToArray();
        var loaded = run.Engine.Loaded;
        var limit = MiniMaxM1.RunBytes(loaded.Config, 1024, 512, loaded.Model.KeyValueType) + loaded.Model.StateBytes(256);
        using var tight = new EngineRun(model: new ModelOptions { Threads = 1, MemoryLimit = limit });
        var running = prompts.Select(prompt => tight.Submit(EngineRun.Request(prompt, tokens: 120) with { Count = 2, PromptLogProbs = 0 })).ToArray();
        tight.Drain();
        Assert.True(tight.Engine.Preemptions > 0);
        for (var i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(Score(run, prompts[i]).Select(Bits), running[i].PromptLogProbs!.Select(Bits));
            Assert.Equal(2, EngineRun.Answers(running[i]).Length);
        }
    }

    [Fact]
    public void A_prompt_can_be_scored_without_an_answer()
    {
        var (answer, running) = run.Answer(EngineRun.Request(EngineRun.Tokens(30, 1), tokens: 0) with { PromptLogProbs = 0 });
        Assert.Equal(("", FinishReason.Length, 0), (answer.Ids, answer.Reason, running.CompletionTokens));
        Assert.Equal(29, running.PromptLogProbs!.Count);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(SamplingParams.MaxTopLogProbs + 1)]
    public void More_alternatives_than_there_may_be_are_refused(int alternatives)
    {
        var failure = Assert.Throws<InvalidInputException>(() => run.Submit(EngineRun.Request([1, 2]) with { PromptLogProbs = alternatives }));
        Assert.Contains("prompt_logprobs", failure.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<PromptLogProb> Score(EngineRun run, int[] prompt, int alternatives = 0) =>
        run.Answer(EngineRun.Request(prompt, tokens: 1) with { PromptLogProbs = alternatives }).Request.PromptLogProbs!;

    private static (int Id, long LogProb, int Rank) Bits(PromptLogProb score) => (score.Id, BitConverter.DoubleToInt64Bits(score.LogProb), score.Rank);

    /// <summary>Logits behind each token of a prompt that runs alone.</summary>
    private List<float[]> Logits(int[] prompt)
    {
        using var sequence = run.Engine.CreateSequence();
        var rows = new List<float[]>();
        foreach (var block in prompt.Chunk(256))
        {
            sequence.Append(block);
            rows.AddRange(Enumerable.Range(0, block.Length).Select(row => run.Engine.Loaded.Model.Logits(row).ToArray()));
        }

        return rows;
    }

    private static double[] LogSoftmax(float[] logits)
    {
        var max = (double)logits.Max();
        var sum = max + Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
        return [.. logits.Select(logit => logit - sum)];
    }
}
