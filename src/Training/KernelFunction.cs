using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>
/// One differentiable operation whose forward and backward are ours. What the gradient needs is held by the two delegates; the tensors
/// live in the DisposeScope of the step.
/// </summary>
internal sealed class KernelFunction : autograd.SingleTensorFunction<KernelFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(KernelFunction);

    /// <summary>Runs an operation.</summary>
    /// <param name="inputs">What it is differentiated for.</param>
    /// <param name="forward">Computes the result.</param>
    /// <param name="backward">Computes, from the contiguous gradient of the result, the gradient of each input, or null.</param>
    public static Tensor Apply(Tensor[] inputs, Func<Tensor> forward, Func<Tensor, Tensor?[]> backward) =>
        is_grad_enabled() ? apply([.. inputs, new Operation(forward, backward)]) : forward();

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var operation = (Operation)vars[^1];
        ctx.save_data(nameof(Operation), operation);
        return operation.Forward();
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var gradient = grad_output.contiguous();
        List<Tensor> gradients = [.. ((Operation)ctx.get_data(nameof(Operation))).Backward(gradient).Select(static tensor => tensor!)];
        gradients.Add(null!);
        return gradients;
    }

    private sealed record Operation(Func<Tensor> Forward, Func<Tensor, Tensor?[]> Backward);
}
