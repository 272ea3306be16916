using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

public sealed class PolicyLossTests
{
    public PolicyLossTests() => TorchNative.EnsureLoaded();

    [Fact]
    public void All_kinds_have_the_golden_gradients()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("rl/policy_loss_golden.json")));
        foreach (var item in golden.RootElement.EnumerateArray())
        {
            double Of(string name) => item.GetProperty(name).GetDouble();
            float isMin = (float)(1 - Of("is_low")), isMax = (float)(1 + Of("is_high"));
            float ratioMin = (float)(1 - Of("eps_low")), ratioMax = (float)(1 + Of("eps_high"));
            void Check(string kind, PolicyBounds bounds)
            {
                var weight = PolicyKernel.TokenWeight(Math.Exp(Of("logp") - Of("old_logp")), Of("adv"), bounds);
                Assert.True(Math.Abs(weight - Of(kind)) <= 1e-6 * Math.Max(1, Math.Abs(Of(kind))), $"{kind}: {weight} instead of {Of(kind)}");
            }

            Check("cispo", new PolicyBounds(isMax, isMin));
            Check("reinforce_is", PolicyBounds.ReinforceIs);
            Check("ppo_grpo", PolicyBounds.Grpo(ratioMin, ratioMax));
            Check("unified", new PolicyBounds(isMax, isMin, ratioMin, ratioMax));
        }
    }

    [Fact]
    public void The_overlong_penalty_is_golden()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("rl/overlong_golden.json")));
        foreach (var item in golden.RootElement.EnumerateArray())
        {
            int Of(string name) => item.GetProperty(name).GetInt32();
            Assert.Equal(item.GetProperty("penalty").GetDouble(), new OverlongPenalty(Of("max"), Of("cache")).Of(Of("len")), 1e-12);
        }
    }

    [Fact]
    public void With_one_update_per_batch_Dapo_and_Cispo_have_the_same_gradient()
    {
        using var module = Model();
        var batch = Batch(module.Config.VocabSize);
        var own = new PolicyUpdate(module, PolicyObjectives.Cispo(5), 1000).Logprobs(batch);
        batch = [.. batch.Select((sample, i) => sample with { OldLogprobs = own[i] })];
        AssertSame(Gradients(module, PolicyObjectives.Dapo(), batch, 1000), Gradients(module, PolicyObjectives.Cispo(5), batch, 1000), 1e-7);
    }

    [Theory]
    [InlineData("TokenMean")]
    [InlineData("PromptMean")]
    [InlineData("SampleMean")]
    [InlineData("TokenSumConst")]
    [InlineData("Combined")]
    [InlineData("SignBalanced")]
    public void Micro_batches_and_packing_leave_the_gradient_unchanged(string aggregation)
    {
        var rule = aggregation switch
        {
            "TokenMean" => LossAggregation.TokenMean,
            "PromptMean" => LossAggregation.PromptMean,
            "SampleMean" => LossAggregation.SampleMean,
            "TokenSumConst" => LossAggregation.TokenSumConst(20),
            "Combined" => LossAggregation.Combined(0.3),
            _ => LossAggregation.SignBalanced,
        };
        using var module = Model();
        var objective = PolicyObjectives.Cispo(5) with { Aggregation = rule };
        var batch = Batch(module.Config.VocabSize);
        var together = Gradients(module, objective, batch, 1000);
        AssertSame(together, Gradients(module, objective, batch, 1), 1e-6);
        AssertSame(together, Gradients(module, objective, batch, 30), 1e-6);
    }

    [Fact]
    public void The_update_has_the_gradient_of_the_loss_that_is_checked_against_golden_files()
    {
        using var module = Model();
        var batch = Batch(module.Config.VocabSize);
        var bounds = new PolicyBounds(1.3f, 0.5f, 0.8f, 1.2f);
        var update = Gradients(module, PolicyObjectives.Unified(bounds), batch, 1000);
        TrainingModels.Clear(module);
        using (NewDisposeScope())
        {
            var documents = PackedDocuments.Of([.. batch.Select(static sample => sample.Tokens)]);
            float[] old = new float[documents.Count], advantages = new float[old.Length], response = new float[old.Length];
            for (var i = 0; i < batch.Length; i++)
            {
                var first = documents.Boundaries[i] + batch[i].PromptLength - 1;
                batch[i].OldLogprobs.CopyTo(old, first);
                advantages.AsSpan(first, batch[i].Length).Fill((float)batch[i].Advantage);
                response.AsSpan(first, batch[i].Length).Fill(1);
            }

            var logprobs = module.TokenLogprobs(module.Forward(documents).Hidden, documents.NextTokens());
            Losses.Policy(logprobs, tensor(old), tensor(advantages), tensor(response), bounds).backward();
        }

        AssertSame(TrainingModels.Gradients(module), update, 1e-6);
    }

    [Fact]
    public void Masked_tokens_have_neither_gradient_nor_weight_in_the_mean()
    {
        using var module = Model();
        var sample = Batch(module.Config.VocabSize)[0];
        var cut = sample with { Tokens = sample.Tokens[..^2], OldLogprobs = sample.OldLogprobs[..^2] };
        var mask = Enumerable.Repeat(1, sample.Length).ToArray();
        mask[^1] = mask[^2] = 0;
        var objective = PolicyObjectives.Cispo(5);
        AssertSame(Gradients(module, objective, [cut], 1000), Gradients(module, objective, [sample with { LossMask = mask }], 1000), 1e-6);
    }

    [Fact]
    public void Aggregations_weigh_tokens_as_they_are_named()
    {
        var batch = new[] { Sample(2, 0, 1), Sample(6, 0, -1), Sample(4, 1, 1) };
        AssertFactors([1 / 12.0, 1 / 12.0, 1 / 12.0], LossAggregation.TokenMean);
        AssertFactors([1 / 16.0, 1 / 16.0, 1 / 8.0], LossAggregation.PromptMean);
        AssertFactors([1 / 6.0, 1 / 18.0, 1 / 12.0], LossAggregation.SampleMean);
        AssertFactors([1 / 30.0, 1 / 30.0, 1 / 30.0], LossAggregation.TokenSumConst(10));
        AssertFactors([1 / 8.0, 5 / 72.0, 1 / 12.0], LossAggregation.Combined(0.5));
        var balanced = LossAggregation.SignBalanced.Factors([Sample(2, 0, 1), Sample(6, 0, -1)]);
        Assert.Equal(2 * balanced[0], 6 * balanced[1], 1e-12);
        Assert.Equal(1, (2 * balanced[0]) + (6 * balanced[1]), 1e-12);

        void AssertFactors(double[] expected, LossAggregation aggregation)
        {
            var factors = aggregation.Factors(batch);
            for (var i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], factors[i], 1e-12);
            }
        }
    }

    [Fact]
    public void Gspo_gives_every_token_the_mean_ratio_of_its_answer()
    {
        var weights = new double[2];
        var statistics = new PolicyStatistics();
        PolicyKernel.AnswerWeights([-1f, -2f], [-1.5f, -1.9f], [], 2, PolicyBounds.ReinforceIs, true, weights, statistics);
        Assert.All(weights, weight => Assert.Equal(2 * Math.Exp(0.2), weight, 1e-6));
        PolicyKernel.AnswerWeights([-1f, -2f], [-1.5f, -1.9f], [], 2, PolicyObjectives.Gspo().Bounds, true, weights, statistics);
        Assert.All(weights, weight => Assert.Equal(0, weight));
    }

    [Fact]
    public void Advantages_follow_their_scale()
    {
        double[][] rewards = [[1, 0, 0, 0], [1, 1, 1, 1]];
        var deviation = Advantages.Deviation([1, 0, 0, 0]);
        Assert.Equal(0.5, deviation, 1e-12);
        Assert.Equal(1.5, Advantages.Of(rewards, AdvantageScale.Group)[0][0], 1e-4);
        Assert.Equal(0.75, Advantages.Of(rewards, AdvantageScale.None)[0][0], 1e-12);
        Assert.Equal(1, Advantages.Of(rewards, AdvantageScale.LeaveOneOut)[0][0], 1e-12);
        Assert.Equal(0.75 / Advantages.Deviation([1, 0, 0, 0, 1, 1, 1, 1]), Advantages.Of(rewards, AdvantageScale.Batch)[0][0], 1e-4);
        Assert.All(Advantages.Of(rewards, AdvantageScale.Group)[1], advantage => Assert.Equal(0, advantage));
    }

    [Fact]
    public void What_would_be_computed_wrongly_is_refused_and_the_interval_is_printed()
    {
        Assert.Throws<InvalidInputException>(() => PolicyObjectives.Cispo(0.2f).Validate());
        Assert.Contains("roll-out", Assert.Throws<InvalidInputException>(() => (PolicyObjectives.Dapo() with { TruncatedIsMax = 2 }).Validate()).Message, StringComparison.Ordinal);
        (PolicyObjectives.Dapo() with { TruncatedIsMax = 2, Anchor = RatioAnchor.Recomputed }).Validate();
        Assert.Throws<InvalidInputException>(() => PolicyObjectives.ByName("cispo", 100, null));
        Assert.Throws<InvalidInputException>(() => PolicyObjectives.ByName("ppo2", 100, 5));
        Assert.Contains("[0, 5]", PolicyObjectives.Cispo(5).Describe(), StringComparison.Ordinal);
        Assert.Contains("above 1.28", PolicyObjectives.Dapo().Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public void Clipped_tokens_are_counted_by_sign_and_side()
    {
        var statistics = new PolicyStatistics();
        var bounds = PolicyBounds.Cispo(2);
        foreach (var (ratio, advantage) in new[] { (3.0, 1.0), (3.0, -1.0), (1.0, 1.0), (0.1, -1.0) })
        {
            statistics.Add(ratio, advantage, bounds);
        }

        var metrics = new Dictionary<string, double>();
        statistics.Report(metrics);
        Assert.Equal(0.25, metrics["clip_ratio/positive_high"]);
        Assert.Equal(0.25, metrics["clip_ratio/negative_high"]);
        Assert.Equal(0, metrics["clip_ratio/negative_low"]);
        Assert.Equal(3, metrics["is_ratio/max"]);
    }

    private static MiniMaxM1Module Model()
    {
        var module = MiniMaxM1Module.Create(TrainingModels.Tiny, 3, new ModuleOptions { Threads = 1 });
        TrainingModels.SpreadRouters(module);
        return module;
    }

    private static PolicySample Sample(int length, int group, double advantage) => new()
    {
        Tokens = new int[length + 1],
        PromptLength = 1,
        OldLogprobs = new float[length],
        Advantage = advantage,
        Group = group,
    };

    private static PolicySample[] Batch(int vocabulary)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, 6).Select(i => new PolicySample
        {
            Tokens = TrainingModels.Tokens(9 + (2 * i), vocabulary, 20 + i),
            PromptLength = 4,
            OldLogprobs = [.. Enumerable.Range(0, 5 + (2 * i)).Select(_ => -2.5f - (2 * random.NextSingle()))],
            Advantage = i % 2 == 0 ? 1.1 : -0.7,
            Group = i / 2,
        })];
    }

    private static Dictionary<string, float[]> Gradients(MiniMaxM1Module module, PolicyObjective objective, PolicySample[] batch, int microBatchTokens)
    {
        TrainingModels.Clear(module);
        new PolicyUpdate(module, objective, microBatchTokens).Backward(batch, new PolicyStatistics());
        return TrainingModels.Gradients(module);
    }

    /// <summary>Relative to the norm of the whole gradient: that of a single tensor may be rounding only.</summary>
    private static void AssertSame(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual, double tolerance)
    {
        var norm = Math.Sqrt(expected.Values.Sum(values => values.Sum(value => (double)value * value)));
        var difference = Math.Sqrt(expected.Sum(pair => pair.Value.Zip(actual[pair.Key], (a, b) => ((double)a - b) * ((double)a - b)).Sum()));
        Assert.True(norm > 1e-3, $"the gradient is empty: {norm}");
        Assert.True(difference <= tolerance * norm, $"gradients differ by {difference / norm:E2} of their norm");
    }
}
