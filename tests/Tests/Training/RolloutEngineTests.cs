using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class RolloutEngineTests
{
    private static readonly RolloutOptions options = new() { Threads = 1, MaxRunning = 8, EndIds = [3] };

    public RolloutEngineTests() => TorchNative.EnsureLoaded();

    [Theory]
    [InlineData("postnorm")]
    [InlineData("shared")]
    [InlineData("tied")]
    public void Rollout_and_training_probabilities_agree(string variant)
    {
        using var module = Model(variant);
        using var engine = new RolloutEngine(module.Config, options);
        engine.Load(module, 7);
        var requests = Requests(6, 4);
        var answers = Draw(engine, requests, 30);
        var samples = Samples(requests, answers);
        var trained = new PolicyUpdate(module, PolicyObjectives.Cispo(5), 100).Logprobs(samples);
        var agreement = new ProbabilityAgreement();
        for (var i = 0; i < samples.Length; i++)
        {
            agreement.Add(samples[i].OldLogprobs, trained[i]);
        }

        Assert.True(agreement.Count > 100);
        Assert.True(agreement.Correlation >= 0.9999, $"correlation {agreement.Correlation}");
        Assert.All(answers.SelectMany(static group => group), static answer => Assert.Equal(7, answer.PolicyVersion));
    }

    [Fact]
    public void Neither_company_nor_the_number_of_workers_changes_an_answer()
    {
        using var module = Model("postnorm");
        var requests = Requests(7, 5);
        using var alone = new RolloutEngine(module.Config, options with { MaxRunning = 1 });
        using var crowded = new RolloutEngine(module.Config, options with { MaxRunning = 64, Threads = 2 });
        alone.Load(module, 0);
        crowded.Load(module, 0);
        var (expected, actual) = (Draw(alone, requests, 25), Draw(crowded, requests, 25));
        foreach (var (one, other) in expected.SelectMany(static group => group).Zip(actual.SelectMany(static group => group)))
        {
            Assert.Equal(one.Tokens, other.Tokens);
            Assert.Equal(one.Logprobs, other.Logprobs);
        }
    }

    [Fact]
    public void New_weights_are_drawn_from_after_loading_them()
    {
        using var module = Model("postnorm");
        using var engine = new RolloutEngine(module.Config, options);
        engine.Load(module, 0);
        var requests = Requests(3, 2);
        var before = Draw(engine, requests, 20);
        using (TorchSharp.torch.no_grad())
        {
            foreach (var parameter in module.Parameters)
            {
                parameter.Value.mul_(1.1);
            }
        }

        Assert.Equal(before[0][0].Logprobs, Draw(engine, requests, 20)[0][0].Logprobs);
        engine.Load(module, 1);
        Assert.NotEqual(before[0][0].Logprobs, Draw(engine, requests, 20)[0][0].Logprobs);
    }

    [Fact]
    public void Answers_end_with_the_end_token_the_limit_or_repetition()
    {
        using var module = Model("postnorm");
        using var engine = new RolloutEngine(module.Config, options with { RepetitionStopCount = 4, RepetitionStopProbability = 1e-9 });
        engine.Load(module, 0);
        foreach (var answer in Draw(engine, Requests(10, 8), 30).SelectMany(static group => group))
        {
            Assert.Equal(answer.Tokens.Length, answer.Logprobs.Length);
            Assert.Equal(answer.Tokens[^1] == 3 ? FinishReason.Stop : FinishReason.Repetition, answer.StopReason);
            Assert.True(answer.Tokens.Length <= 4);
        }

        using var limited = new RolloutEngine(module.Config, options with { EndIds = [] });
        limited.Load(module, 0);
        Assert.All(Draw(limited, Requests(2, 2), 5).SelectMany(static group => group), static answer => Assert.Equal((5, FinishReason.Length), (answer.Tokens.Length, answer.StopReason)));
    }

    [Fact]
    public void Long_prompts_run_in_blocks_and_give_what_the_trainer_gives()
    {
        using var module = Model("postnorm");
        using var engine = new RolloutEngine(module.Config, options);
        engine.Load(module, 0);
        RolloutRequest[] requests = [new(TrainingModels.Tokens(600, 37, 1), [1, 2, 3]), new(TrainingModels.Tokens(256, 37, 2), [4]), new(TrainingModels.Tokens(1, 37, 3), [5, 6])];
        var samples = Samples(requests, Draw(engine, requests, 12));
        var trained = new PolicyUpdate(module, PolicyObjectives.Cispo(5), 100).Logprobs(samples);
        Assert.All(samples.Zip(trained), static pair => TrainingModels.AssertClose(pair.First.OldLogprobs, pair.Second, 1e-4, "log-probabilities"));
    }

    [Fact]
    public void What_cannot_run_is_refused()
    {
        using var module = Model("postnorm");
        using var engine = new RolloutEngine(module.Config, options);
        engine.Load(module, 0);
        Assert.Throws<InvalidInputException>(() => Draw(engine, [new RolloutRequest([], [1])], 5));
        Assert.Throws<InvalidInputException>(() => Draw(engine, [new RolloutRequest([1], [1])], int.MaxValue));
        using var other = new MemoryWeights(module.Config);
        Assert.Throws<InvalidInputException>(() => other.Write("model.norm.weight", new float[3]));
    }

    private static RolloutAnswer[][] Draw(RolloutEngine engine, IReadOnlyList<RolloutRequest> requests, int maxTokens) =>
        engine.Generate(requests, maxTokens, cancellationToken: TestContext.Current.CancellationToken);

    private static MiniMaxM1Module Model(string variant)
    {
        var module = MiniMaxM1Module.Create(TrainingModels.Variant(variant), 3, new ModuleOptions { Threads = 1 });
        TrainingModels.SpreadRouters(module);
        return module;
    }

    private static RolloutRequest[] Requests(int prompts, int samples) =>
        [.. Enumerable.Range(0, prompts).Select(i => new RolloutRequest(
            TrainingModels.Tokens(3 + i, 37, i), [.. Enumerable.Range(0, samples).Select(sample => RolloutSeed.Of(1, i, sample))]))];

    private static PolicySample[] Samples(RolloutRequest[] requests, RolloutAnswer[][] answers) =>
        [.. requests.Zip(answers).SelectMany(static pair => pair.Second.Select(answer => new PolicySample
        {
            Tokens = [.. pair.First.Prompt, .. answer.Tokens],
            PromptLength = pair.First.Prompt.Length,
            OldLogprobs = answer.Logprobs,
            Advantage = 1,
        }))];
}
