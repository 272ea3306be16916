using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>Gradient checkpointing: the forward pass keeps only the inputs; the backward pass runs the function again and differentiates it.</summary>
internal sealed class CheckpointFunction : autograd.MultiTensorFunction<CheckpointFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(CheckpointFunction);

    /// <summary>Runs <paramref name="function"/>. All inputs must require gradients.</summary>
    public static List<Tensor> Apply(Tensor[] inputs, Func<Tensor[], Tensor[]> function) => apply([.. inputs, function]);

    /// <inheritdoc/>
    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var inputs = vars[..^1].Cast<Tensor>().ToArray();
        var function = (Func<Tensor[], Tensor[]>)vars[^1];
        ctx.save_data("inputs", inputs);
        ctx.save_data("function", function);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        return [.. function(inputs).Select(tensor => tensor.MoveToOuterDisposeScope())];
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        var inputs = ((Tensor[])ctx.get_data("inputs")).Select(tensor => tensor.detach().requires_grad_()).ToArray();
        var outputs = ((Func<Tensor[], Tensor[]>)ctx.get_data("function"))(inputs);
        var used = Enumerable.Range(0, outputs.Length).Where(i => grad_outputs[i] is { IsInvalid: false }).ToArray();
        autograd.backward([.. used.Select(i => outputs[i])], [.. used.Select(i => grad_outputs[i])]);
        return [.. inputs.Select(tensor => tensor.grad!.MoveToOuterDisposeScope()), null!];
    }
}
