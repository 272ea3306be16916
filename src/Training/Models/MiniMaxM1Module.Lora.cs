using System.Collections.Immutable;
using MiniMaxSharp.Inference;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <content>
/// Low-rank adapters. A product takes W + s · B · A, which is made anew in each pass, so every kernel works as ever and the merged model
/// is the same function.
/// </content>
public sealed partial class MiniMaxM1Module
{
    private readonly Dictionary<string, (Parameter A, Parameter B)> adapters = new(StringComparer.Ordinal);

    /// <summary>The adapters' options; null: the weights themselves are trained.</summary>
    public LoraOptions? Lora { get; private set; }

    /// <summary>What an optimiser changes: all weights, or the matrices of the adapters.</summary>
    public ImmutableArray<ModuleParameter> Trainable { get; private set; }

    /// <summary>
    /// Freezes all weights and gives matrices adapters: A is N(0, 1/in) from the seed, B is 0, so the model computes what it did. Once, before an optimiser
    /// is made.
    /// </summary>
    /// <exception cref="InvalidInputException">The options make no sense, or no matrix of this model has such a name.</exception>
    public void AddLora(LoraOptions lora, ulong seed)
    {
        lora.Validate();
        if (Lora is not null)
        {
            throw new InvalidOperationException("The model has adapters already.");
        }

        using var scope = NewDisposeScope();
        using var generator = new Generator(seed, CPU);
        var trainable = ImmutableArray.CreateBuilder<ModuleParameter>();
        foreach (var parameter in Parameters)
        {
            parameter.Value.requires_grad = false;
            if (lora.Adapts(parameter.Name))
            {
                var (rows, columns) = (parameter.Value.shape[0], parameter.Value.shape[1]);
                var (a, b) = (Adapter(randn([lora.Rank, columns], generator: generator) / Math.Sqrt(columns)), Adapter(zeros(rows, lora.Rank)));
                adapters.Add(parameter.Name, (a, b));
                trainable.Add(parameter with { Name = LoraAdapter.NameOf(parameter.Name, 'A'), Value = a });
                trainable.Add(parameter with { Name = LoraAdapter.NameOf(parameter.Name, 'B'), Value = b });
            }
        }

        if (trainable.Count == 0)
        {
            throw new InvalidInputException($"No matrix of the model is named {string.Join(", ", lora.Targets)}. Name others as LoRA targets.");
        }

        (Lora, Trainable) = (lora, trainable.ToImmutable());
    }

    /// <summary>The weight as the model uses it, adapter included. Inside a DisposeScope.</summary>
    internal Tensor Effective(string name) => adapters.TryGetValue(name, out var adapter)
        ? byName[name].addmm(adapter.B, adapter.A, alpha: (float)Lora!.Scale)
        : byName[name];

    private static Parameter Adapter(Tensor values)
    {
        var parameter = new Parameter(values.contiguous());
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    private void DisposeAdapters()
    {
        foreach (var (a, b) in adapters.Values)
        {
            a.grad?.Dispose();
            a.Dispose();
            b.grad?.Dispose();
            b.Dispose();
        }
    }
}
