using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

public sealed class AdamWTests
{
    [Theory]
    [InlineData(1e-3)]
    [InlineData(1e-14)]
    [InlineData(1e-16)]
    [InlineData(1e-18)]
    [InlineData(1e-20)]
    public void Tiny_gradients_move_weights_as_in_double(double size)
    {
        using var kernels = new GradientKernels(2);
        var random = new Random(2);
        var n = 40_003;
        float[] weight = new float[n], m = new float[n], v = new float[n];
        double[] expected = new double[n], m64 = new double[n], v64 = new double[n];
        for (var step = 1; step <= 5; step++)
        {
            float[] gradient = [.. Enumerable.Range(0, n).Select(_ => (float)(size * (0.5 + random.NextDouble()) * (random.Next(4) == 0 ? -1 : 1)))];
            var constants = new AdamWStep(1e-3f, 0.9f, 0.95f, 1e-15f, 0.1f, step, 1);
            kernels.AdamW(weight, gradient, m, v, constants);
            for (var i = 0; i < n; i++)
            {
                GradientKernels.AdamWReference(ref expected[i], gradient[i], ref m64[i], ref v64[i], constants);
            }
        }

        // v of 1e-20 gradients is 1e-42: a denormal number of few digits, but not 0, and epsilon is far larger than its root.
        var scale = expected.Max(Math.Abs);
        var worst = weight.Zip(expected, (a, e) => Math.Abs(a - e)).Max();
        Assert.True(scale > 0 && worst <= 1e-5 * scale, $"gradients of {size:E0}: largest difference {worst:E2}, largest weight {scale:E2}");
        Assert.All(v, value => Assert.True(value > 0));
    }

    [Fact]
    public void Norms_do_not_decay_and_everything_else_does()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        using var optimizer = new AdamW(module, new AdamWOptions { WeightDecay = 0.5f });
        foreach (var parameter in module.Parameters)
        {
            parameter.Value.grad = zeros_like(parameter.Value);
        }

        var before = module.Parameters.Select(p => p.Value.detach().clone()).ToArray();
        optimizer.Step(0.1);
        foreach (var (parameter, old) in module.Parameters.Zip(before))
        {
            var factor = parameter.Role == TensorRole.Norm ? 1f : 0.95f;
            TrainingModels.AssertClose((old * factor).data<float>().ToArray(), parameter.Value.data<float>().ToArray(), 1e-6, parameter.Name);
        }
    }

    [Fact]
    public void Gradients_are_clipped_by_their_common_norm()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        using var clipped = new AdamW(module, new AdamWOptions { MaxGradientNorm = 0.5f, WeightDecay = 0 });
        foreach (var parameter in module.Parameters)
        {
            parameter.Value.grad = ones_like(parameter.Value);
        }

        var norm = Math.Sqrt(module.ParameterCount);
        Assert.Equal(norm, clipped.Step(1e-3), 1e-3);
        Assert.Equal(0.1 * 0.5 / norm, clipped.Moments[0].M[0, 0].item<float>(), 1e-7);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_changes_nothing()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        using var optimizer = new AdamW(module);
        var before = module.Parameters[0].Value.data<float>().ToArray();
        module.Parameters[0].Value.grad = full_like(module.Parameters[0].Value, float.NaN);
        Assert.Throws<InvalidInputException>(() => optimizer.Step(1e-3));
        Assert.Equal(before, module.Parameters[0].Value.data<float>().ToArray());
        Assert.Equal(0, optimizer.StepCount);
    }

    [Fact]
    public void Schedules_warm_up_hold_and_decay()
    {
        var linear = new LearningRateSchedule(8e-5, 8e-6, 10, 20, 40, DecayShape.Linear);
        Assert.Equal(8e-6, linear.At(0), 1e-12);
        Assert.Equal(8e-5, linear.At(9), 1e-12);
        Assert.Equal(8e-5, linear.At(29), 1e-12);
        Assert.Equal((8e-5 + 8e-6) / 2, linear.At(49), 1e-12);
        Assert.Equal(8e-6, linear.At(69), 1e-12);
        Assert.Equal(8e-6, linear.At(1000), 1e-12);
        var cosine = linear with { Shape = DecayShape.Cosine };
        Assert.Equal((8e-5 + 8e-6) / 2, cosine.At(49), 1e-12);
        Assert.True(cosine.At(39) > linear.At(39) && cosine.At(59) < linear.At(59));
        Assert.Equal(3e-4, LearningRateSchedule.Constant(3e-4).At(123));
        Assert.Throws<InvalidInputException>(() => (linear with { End = 1 }).Validate());
    }
}
