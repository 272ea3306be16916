using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>Constants of <see cref="AdamW"/>.</summary>
public sealed record AdamWOptions
{
    /// <summary>Decay of the first moment.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>Decay of the second moment; the usual 0.999 did not converge for M1 (report 3.2).</summary>
    public float Beta2 { get; init; } = 0.95f;

    /// <summary>Added to the root of the second moment. Most gradients of M1 are below 1e-14, so the usual 1e-8 would still them.</summary>
    public float Epsilon { get; init; } = 1e-15f;

    /// <summary>Decoupled decay of all weights but norms.</summary>
    public float WeightDecay { get; init; } = 0.1f;

    /// <summary>Gradients are scaled down to this global norm; infinity does not clip.</summary>
    public float MaxGradientNorm { get; init; } = 1;
}

/// <summary>Moments of one parameter, for checkpoints.</summary>
/// <param name="Name">Its official name.</param>
/// <param name="M">First moment.</param>
/// <param name="V">Second moment.</param>
public sealed record AdamWMoments(string Name, Tensor M, Tensor V);

/// <summary>AdamW with decoupled weight decay and clipping by the global norm, over the f32 masters of a module. Denormal moments are kept.</summary>
public sealed class AdamW : IDisposable
{
    private readonly MiniMaxM1Module module;
    private readonly AdamWMoments[] moments;
    private readonly double[] gradientSquares;

    /// <summary>Starts with moments of zero.</summary>
    public AdamW(MiniMaxM1Module module, AdamWOptions? options = null)
    {
        this.module = module;
        Options = options ?? new AdamWOptions();
        moments = [.. module.Trainable.Select(p => new AdamWMoments(p.Name, ZerosLike(p.Value), ZerosLike(p.Value)))];
        gradientSquares = new double[moments.Length];
    }

    /// <summary>Its constants.</summary>
    public AdamWOptions Options { get; }

    /// <summary>Steps done; set it together with <see cref="Moments"/> when a run is resumed.</summary>
    public int StepCount { get; set; }

    /// <summary>Moments of all parameters, in their order; they may be written to.</summary>
    public IReadOnlyList<AdamWMoments> Moments => moments;

    /// <summary>Sum of the squared gradients of each parameter, as the last <see cref="GradientNorm"/> or <see cref="Step"/> found them.</summary>
    public IReadOnlyList<double> GradientSquares => gradientSquares;

    /// <summary>Forgets all gradients.</summary>
    public void ZeroGrad()
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in module.Trainable)
        {
            parameter.Value.grad?.Dispose();
            parameter.Value.grad = null;
        }
    }

    /// <summary>Norm of all gradients together.</summary>
    public double GradientNorm()
    {
        using var scope = NewDisposeScope();
        for (var i = 0; i < gradientSquares.Length; i++)
        {
            gradientSquares[i] = SquareSum(module.Trainable[i].Value);
        }

        return Math.Sqrt(gradientSquares.Sum());
    }

    /// <summary>One step. Parameters without a gradient keep their values.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <returns>The norm of the gradients before clipping.</returns>
    /// <exception cref="InvalidInputException">A gradient is not finite; nothing has been changed.</exception>
    public double Step(double learningRate)
    {
        var norm = GradientNorm();
        if (!double.IsFinite(norm))
        {
            throw new InvalidInputException($"Step {StepCount + 1}: a gradient is not finite. Lower the learning rate, or look at the batch; the weights have not been changed.");
        }

        using var scope = NewDisposeScope();
        StepCount++;
        var scale = norm > Options.MaxGradientNorm ? (float)(Options.MaxGradientNorm / norm) : 1;
        for (var i = 0; i < moments.Length; i++)
        {
            var parameter = module.Trainable[i];
            if (parameter.Value.grad is { } gradient)
            {
                var decay = parameter.Role == TensorRole.Norm ? 0 : Options.WeightDecay;
                using var contiguous = gradient.contiguous();
                module.Kernels.AdamW(
                    parameter.Value.Values(),
                    contiguous.Values(),
                    moments[i].M.Values(),
                    moments[i].V.Values(),
                    new AdamWStep((float)learningRate, Options.Beta1, Options.Beta2, Options.Epsilon, decay, StepCount, scale));
            }
        }

        return norm;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var moment in moments)
        {
            moment.M.Dispose();
            moment.V.Dispose();
        }
    }

    private static Tensor ZerosLike(Parameter parameter) => zeros(parameter.shape).DetachFromDisposeScope();

    private double SquareSum(Parameter parameter)
    {
        if (parameter.grad is not { } gradient)
        {
            return 0;
        }

        using var contiguous = gradient.contiguous();
        return module.Kernels.SquareSum(contiguous.Values());
    }
}
