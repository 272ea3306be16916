using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

public sealed class LossesTests
{
    public LossesTests() => TorchNative.EnsureLoaded();

    [Theory]
    [InlineData(-0.5, -1.0, 1.0, 1.2, 1.2)] // ratio 1.65, capped
    [InlineData(-2.0, -1.0, 1.0, 1.2, 0.36787944)]
    [InlineData(-0.5, -1.0, -2.0, 5.0, -3.2974425)]
    public void Cispo_weighs_each_token_by_its_capped_ratio(double logprob, double old, double advantage, double cap, double weight) =>
        Assert.Equal(weight, TokenGradient(logprob, old, advantage, PolicyBounds.Cispo((float)cap)), 1e-5);

    [Theory]
    [InlineData(-0.5, -1.0, 1.0, 0)] // too far up with a positive advantage: left out
    [InlineData(-0.5, -1.0, -1.0, -1.6487213)]
    [InlineData(-2.0, -1.0, -1.0, 0)]
    [InlineData(-2.0, -1.0, 1.0, 0.36787944)]
    public void Grpo_leaves_out_tokens_that_went_too_far(double logprob, double old, double advantage, double weight) =>
        Assert.Equal(weight, TokenGradient(logprob, old, advantage, PolicyBounds.Grpo(0.8f, 1.28f)), 1e-5);

    [Fact]
    public void All_kinds_have_the_golden_token_weights()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Shared("golden/rl/policy_loss_golden.json")));
        foreach (var item in golden.RootElement.EnumerateArray())
        {
            double Of(string name) => item.GetProperty(name).GetDouble();
            float isMin = (float)(1 - Of("is_low")), isMax = (float)(1 + Of("is_high"));
            float ratioMin = (float)(1 - Of("eps_low")), ratioMax = (float)(1 + Of("eps_high"));
            void Check(string kind, PolicyBounds bounds) =>
                Assert.Equal(Of(kind), TokenGradient(Of("logp"), Of("old_logp"), Of("adv"), bounds), 1e-5 * Math.Max(1, Math.Abs(Of(kind))));
            Check("cispo", new PolicyBounds(isMax, isMin));
            Check("reinforce_is", PolicyBounds.ReinforceIs);
            Check("ppo_grpo", PolicyBounds.Grpo(ratioMin, ratioMax));
            Check("unified", new PolicyBounds(isMax, isMin, ratioMin, ratioMax));
        }
    }

    [Fact]
    public void Bounds_that_exclude_an_unchanged_policy_are_refused()
    {
        Assert.Throws<InvalidInputException>(() => PolicyBounds.Cispo(0.2f).Validate());
        Assert.Throws<InvalidInputException>(() => PolicyBounds.Grpo(1.1f, 1.2f).Validate());
        Assert.Throws<InvalidInputException>(() => new PolicyBounds(float.NaN).Validate());
    }

    /// <summary>What one response token of two contributes to the objective's gradient, times the number of tokens.</summary>
    private static double TokenGradient(double logprob, double old, double advantage, PolicyBounds bounds)
    {
        using var scope = NewDisposeScope();
        var logprobs = tensor(new[] { -3f, (float)logprob, -1f }, requires_grad: true);
        var response = tensor(new[] { 0f, 1f, 1f });
        Losses.Policy(logprobs, tensor(new[] { -1f, (float)old, -1f }), tensor(new[] { 1f, (float)advantage, 0f }), response, bounds).backward();
        Assert.Equal(0, logprobs.grad![0].item<float>());
        return -2 * logprobs.grad[1].item<float>();
    }
}
