using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

public sealed class RouterReplayTests
{
    public RouterReplayTests() => TorchNative.EnsureLoaded();

    [Fact]
    public void With_replay_the_trainer_takes_the_experts_of_the_rollout()
    {
        using var module = Model();
        var (requests, answers) = Draw(module, new RolloutOptions { Threads = 2, MaxRunning = 4, EndIds = [3], RecordRoutes = true });
        var samples = Samples(requests, answers);
        Assert.Equal(Counts(module, samples, replays: false), Counts(module, samples, replays: true)); // The same weights choose the same experts.

        var recorded = Counts(module, samples, replays: true);
        using (no_grad())
        {
            foreach (var parameter in module.Parameters.Where(static parameter => parameter.Role == TensorRole.Router))
            {
                parameter.Value.mul_(-1);
            }
        }

        Assert.NotEqual(recorded, Counts(module, samples, replays: false));
        Assert.Equal(recorded, Counts(module, samples, replays: true));
    }

    [Fact]
    public void An_update_with_replay_differs_only_where_the_routes_do()
    {
        using var module = Model();
        var (requests, answers) = Draw(module, new RolloutOptions { Threads = 1, MaxRunning = 4, EndIds = [3], RecordRoutes = true });
        var samples = Samples(requests, answers);
        var update = new PolicyUpdate(module, PolicyObjectives.Cispo(5), 64);
        var own = update.Logprobs([.. samples.Select(static sample => sample with { Routes = null })]);
        Assert.Equal(own.SelectMany(static values => values), update.Logprobs(samples).SelectMany(static values => values));
        var moved = samples.Select(static sample => sample with { Routes = [.. sample.Routes!.Chunk(2).SelectMany(static pair => new[] { pair[1], (byte)((pair[1] + 1) % 4) })] }).ToArray();
        Assert.NotEqual(own.SelectMany(static values => values), update.Logprobs(moved).SelectMany(static values => values));
    }

    [Theory]
    [InlineData(RolloutWeights.F32, HeadPrecision.F32, 0.9999999, 1.0000001)]
    [InlineData(RolloutWeights.Q8_0, HeadPrecision.F32, 0.9, 0.999999)]
    [InlineData(RolloutWeights.F32, HeadPrecision.Bf16, 0.9, 0.999999)]
    public void Rounded_rollouts_agree_less_with_the_trainer(RolloutWeights weights, HeadPrecision head, double least, double most)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny with { HiddenSize = 64, IntermediateSize = 64 }, 3, new ModuleOptions { Threads = 1 });
        TrainingModels.SpreadRouters(module);
        var (requests, answers) = Draw(module, new RolloutOptions { Threads = 1, MaxRunning = 8, Weights = weights, Head = head });
        var samples = Samples(requests, answers);
        var agreement = new ProbabilityAgreement();
        foreach (var (sample, trained) in samples.Zip(new PolicyUpdate(module, PolicyObjectives.Cispo(5), 200).Logprobs(samples)))
        {
            agreement.Add(sample.OldLogprobs, trained);
        }

        Assert.InRange(agreement.Correlation, least, most);
    }

    private static MiniMaxM1Module Model()
    {
        var module = MiniMaxM1Module.Create(TrainingModels.Tiny, 3, new ModuleOptions { Threads = 1 });
        TrainingModels.SpreadRouters(module);
        return module;
    }

    private static (RolloutRequest[] Requests, RolloutAnswer[][] Answers) Draw(MiniMaxM1Module module, RolloutOptions options)
    {
        using var engine = new RolloutEngine(module.Config, options);
        engine.Load(module, 0);
        RolloutRequest[] requests = [.. new[] { 3, 300, 9 }.Select(static (length, i) => new RolloutRequest(TrainingModels.Tokens(length, 37, i), [1, 2, 3]))];
        return (requests, engine.Generate(requests, 20, cancellationToken: TestContext.Current.CancellationToken));
    }

    private static PolicySample[] Samples(RolloutRequest[] requests, RolloutAnswer[][] answers) =>
        [.. requests.Zip(answers).SelectMany(static pair => pair.Second.Select(answer => new PolicySample
        {
            Tokens = [.. pair.First.Prompt, .. answer.Tokens],
            PromptLength = pair.First.Prompt.Length,
            OldLogprobs = answer.Logprobs,
            Advantage = 1,
            Routes = answer.Routes,
        }))];

    /// <summary>Tokens of each expert of each layer over all samples, their last token, which the engine never ran, left out.</summary>
    private static int[] Counts(MiniMaxM1Module module, PolicySample[] samples, bool replays)
    {
        var sum = new int[module.Config.NumHiddenLayers * module.Config.NumLocalExperts];
        foreach (var sample in samples)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var ran = sample.Tokens[..^1];
            Assert.Equal(ran.Length * module.Config.NumHiddenLayers * module.Config.NumExpertsPerTok, sample.Routes!.Length);
            var documents = PackedDocuments.Of([ran]);
            documents.Routes = replays ? PolicyUpdate.Routes([sample with { Tokens = ran }], documents, module.Config) : null;
            var counts = module.Forward(documents).ExpertCounts.SelectMany(static layer => layer).ToArray();
            sum = [.. sum.Zip(counts, static (one, other) => one + other)];
        }

        return sum;
    }
}
