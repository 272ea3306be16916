using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

/// <summary>Small models and the ways in which the tests of the trainer run them.</summary>
internal static class TrainingModels
{
    public static MiniMaxM1Config Tiny { get; } = new()
    {
        HiddenSize = 24,
        IntermediateSize = 20,
        NumHiddenLayers = 3,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = 8,
        RotaryDim = 4,
        NumLocalExperts = 4,
        NumExpertsPerTok = 2,
        VocabSize = 37,
        AttnTypeList = [AttentionKind.Lightning, AttentionKind.Softmax, AttentionKind.Lightning],
        Postnorm = true,
        LayernormLinearAttentionAlpha = 1.5f,
        LayernormFullAttentionAlpha = 1.4f,
        LayernormMlpAlpha = 1.3f,
        LayernormMlpBeta = 0.9f,
    };

    /// <summary>Shapes that differ in every way that the configuration knows.</summary>
    public static MiniMaxM1Config Variant(string name) => name switch
    {
        "postnorm" => Tiny,
        "prenorm" => Tiny with { Postnorm = false, LayernormLinearAttentionBeta = 0.8f },
        "shared" => Tiny with { SharedIntermediateSize = 12 },
        "tied" => Tiny with { TieWordEmbeddings = true, NumKeyValueHeads = 4, RotaryDim = 8 },
        "odd" => Tiny with { HiddenSize = 34, IntermediateSize = 18, NumAttentionHeads = 3, NumKeyValueHeads = 1, HeadDim = 18, RotaryDim = 6, NumLocalExperts = 5, NumExpertsPerTok = 3 },
        _ => throw new ArgumentException(name),
    };

    /// <summary>Makes routers decided: a new model's logits are so close that a small step changes the experts, where the loss jumps.</summary>
    public static void SpreadRouters(MiniMaxM1Module module)
    {
        using var noGradients = no_grad();
        foreach (var parameter in module.Parameters.Where(p => p.Role == TensorRole.Router))
        {
            parameter.Value.mul_(30);
        }
    }

    public static int[] Tokens(int count, int vocabulary, int seed = 7)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }

    /// <summary>Mean cross-entropy with some load-balancing loss, differentiated; returns the loss in f64.</summary>
    public static double Backward(MiniMaxM1Module module, PackedDocuments documents, double auxWeight = 0.1)
    {
        using var scope = NewDisposeScope();
        Clear(module);
        var targets = documents.NextTokens();
        var output = module.Forward(documents);
        var loss = Losses.CrossEntropy(module.TokenLogprobs(output.Hidden, targets), targets) + (module.AuxLoss(output) * auxWeight);
        loss.backward();
        return loss.item<float>();
    }

    /// <summary>The same loss without gradients, summed in f64.</summary>
    public static double Loss(MiniMaxM1Module module, PackedDocuments documents, double auxWeight = 0.1)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var targets = documents.NextTokens();
        var output = module.Forward(documents);
        var logprobs = module.TokenLogprobs(output.Hidden, targets).data<float>().ToArray();
        return (-logprobs.Sum(x => (double)x) / targets.Count(id => id >= 0)) + (auxWeight * module.AuxLoss(output).item<float>());
    }

    /// <summary>Compares the gradients that <see cref="Backward"/> left with the slope of the loss along each of them.</summary>
    public static void AssertFiniteDifferences(MiniMaxM1Module module, IEnumerable<ModuleParameter> parameters, PackedDocuments documents, string what)
    {
        foreach (var parameter in parameters)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var gradient = parameter.Value.grad;
            Assert.True(gradient is not null, $"{parameter.Name} has no gradient");
            var norm = gradient.norm().item<float>();
            if (norm < 2e-3)
            {
                continue; // Below what f32 differences resolve.
            }

            // The loss jumps where a token changes its experts; the smaller step seldom reaches such a place.
            double[] slopes = [.. new[] { 4e-3, 5e-4 }.Select(step => Slope(module, parameter, gradient / norm, step, documents))];
            Assert.True(slopes.Any(slope => Math.Abs(slope - norm) <= (0.02 * norm) + 4e-4), $"{what} {parameter.Name}: slopes {string.Join(" and ", slopes)}, gradient {norm:G5}");
        }
    }

    public static float[] Logits(MiniMaxM1Module module, PackedDocuments documents)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        return module.Logits(module.Forward(documents).Hidden).data<float>().ToArray();
    }

    public static Dictionary<string, float[]> Gradients(MiniMaxM1Module module) => module.Parameters.ToDictionary(
        p => p.Name, p => p.Value.grad is { } gradient ? gradient.data<float>().ToArray() : new float[p.Value.numel()]);

    private static double Slope(MiniMaxM1Module module, ModuleParameter parameter, Tensor direction, double step, PackedDocuments documents)
    {
        parameter.Value.add_(direction * step);
        var above = Loss(module, documents);
        parameter.Value.sub_(direction * (2 * step));
        var below = Loss(module, documents);
        parameter.Value.add_(direction * step);
        return (above - below) / (2 * step);
    }

    public static void Clear(MiniMaxM1Module module)
    {
        foreach (var parameter in module.Parameters)
        {
            parameter.Value.grad?.Dispose();
            parameter.Value.grad = null;
        }
    }

    public static void AssertClose(IReadOnlyList<float> expected, IReadOnlyList<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Count, actual.Count);
        var scale = expected.Max(MathF.Abs);
        var worst = expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).Max();
        Assert.True(worst <= tolerance * Math.Max(scale, 1e-12), $"{what}: largest difference {worst:E2}, largest value {scale:E2}, allowed ratio {tolerance:E0}");
    }
}
