using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

/// <summary>The losses as one function each give the gradients of the loss that a recipe of the same name puts together.</summary>
public sealed class NamedLossesTests
{
    private const int Prompt = 3;

    public NamedLossesTests() => TorchNative.EnsureLoaded();

    [Theory]
    [InlineData("grpo")]
    [InlineData("dr-grpo")]
    [InlineData("dapo")]
    [InlineData("cispo")]
    [InlineData("unified")]
    [InlineData("gspo")]
    [InlineData("reinforce-is")]
    [InlineData("rloo")]
    public void A_named_loss_is_the_loss_of_the_recipe(string name)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, 5, new ModuleOptions { Threads = 1 });
        var objective = PolicyObjectives.ByName(name, 9, 1.5f);
        var (samples, rewards) = Answers(module, objective.Scale);
        TrainingModels.Clear(module);
        var expectedLoss = new PolicyUpdate(module, objective, 1000).Backward(samples, new PolicyStatistics());
        var expected = TrainingModels.Gradients(module);

        TrainingModels.Clear(module);
        using var scope = NewDisposeScope();
        var documents = PackedDocuments.Of([.. samples.Select(static sample => sample.Tokens)]);
        var logprobs = module.TokenLogprobs(module.Forward(documents).Hidden, documents.NextTokens());
        var answers = samples.Select((sample, i) => new ScoredAnswer(documents.Boundaries[i] + Prompt - 1, sample.OldLogprobs, rewards[i], sample.Group) { LossMask = sample.LossMask }).ToArray();
        var loss = Of(name, logprobs, answers);
        loss.backward();
        Assert.Equal(expectedLoss, loss.item<float>(), 1e-5 * Math.Max(1, Math.Abs(expectedLoss)));
        var actual = TrainingModels.Gradients(module);
        Assert.Contains(expected.Values, static gradient => gradient.Any(static value => Math.Abs(value) > 1e-6));
        Assert.All(expected, pair => TrainingModels.AssertClose(pair.Value, actual[pair.Key], 1e-4, $"{name}, {pair.Key}"));
    }

    private static Tensor Of(string name, Tensor logprobs, ScoredAnswer[] answers) => name switch
    {
        "grpo" => Losses.Grpo(logprobs, answers),
        "dr-grpo" => Losses.DrGrpo(logprobs, answers, 9),
        "dapo" => Losses.Dapo(logprobs, answers),
        "cispo" => Losses.Cispo(logprobs, answers, 1.5f),
        "unified" => Losses.Unified(logprobs, answers, new PolicyBounds(1.5f, 0, 0.8f, 1.28f)),
        "gspo" => Losses.Gspo(logprobs, answers, 0.9997f, 1.0004f),
        "reinforce-is" => Losses.ReinforceIs(logprobs, answers),
        _ => Losses.Rloo(logprobs, answers),
    };

    /// <summary>Two groups of answers of different lengths; old log-probabilities that lie a little beside the new ones, so that some bounds bind.</summary>
    private static (PolicySample[] Samples, double[] Rewards) Answers(MiniMaxM1Module module, AdvantageScale scale)
    {
        double[][] rewards = [[1, 0, 0.5], [0, 1, 0]];
        var advantages = Advantages.Of(rewards, scale);
        var drafts = Enumerable.Range(0, 6).Select(i => new PolicySample
        {
            Tokens = TrainingModels.Tokens(Prompt + 4 + i, 37, 50 + i),
            PromptLength = Prompt,
            OldLogprobs = new float[4 + i],
            LossMask = i == 2 ? [1, 1, 0, 0, 1, 1] : null,
            Advantage = advantages[i / 3][i % 3],
            Group = i / 3,
        }).ToArray();
        var now = new PolicyUpdate(module, PolicyObjectives.ReinforceIs(), 1000).Logprobs(drafts);
        var random = new Random(3);
        // The log-ratios of an answer add up to 0, so that GSPO's narrow mask does not leave all answers out.
        return ([.. drafts.Select((sample, i) => sample with { OldLogprobs = Beside(now[i], random) })], [.. rewards.SelectMany(static group => group)]);
    }

    private static float[] Beside(float[] logprobs, Random random)
    {
        var shift = logprobs.Select(_ => (random.NextSingle() - 0.5f) * 1.6f).ToArray();
        return [.. logprobs.Select((value, t) => value + shift[t] - shift.Average())];
    }
}
