using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <content>Making, loading and saving.</content>
public sealed partial class MiniMaxM1Module
{
    private const int WriteElements = 1 << 20;

    /// <summary>Loads a checkpoint folder (or a GGUF file); whatever type the weights have there, the masters are f32.</summary>
    /// <exception cref="InvalidInputException">A file is missing, damaged or of another model.</exception>
    public static MiniMaxM1Module Load(string folder, ModuleOptions? options = null)
    {
        TorchNative.EnsureLoaded();
        var config = MiniMaxM1Config.Load(folder);
        using var weights = MiniMaxM1Weights.Load(folder, config);
        return Create(config, options, tensor =>
        {
            var weight = weights.Stored[tensor.Name];
            return weight.ToArray().ToTensor(tensor.Shape.Length == 1 ? [weight.Columns] : [weight.Rows, weight.Columns]);
        });
    }

    /// <summary>
    /// A new model. Matrices are N(0, 1/in), those that write into the residual stream smaller by (8L)^(-1/4), routers N(0, 0.02²), the embedding
    /// N(0, 1), norms 1. A weight depends on the seed and on the order of the tensors only.
    /// </summary>
    /// <exception cref="InvalidInputException">The configuration is unusable.</exception>
    public static MiniMaxM1Module Create(MiniMaxM1Config config, long seed, ModuleOptions? options = null)
    {
        TorchNative.EnsureLoaded();
        using var generator = new Generator((ulong)seed, CPU);
        var residualScale = MathF.Pow(8 * config.NumHiddenLayers, -0.25f);
        return Create(config, options, tensor =>
        {
            var shape = tensor.Shape.Select(size => (long)size).ToArray();
            var deviation = tensor.Role switch
            {
                TensorRole.Norm => 0,
                TensorRole.Embedding => 1,
                TensorRole.Router => 0.02f,
                _ when WritesResidual(tensor.Name) => residualScale / MathF.Sqrt(shape[^1]),
                _ => 1 / MathF.Sqrt(shape[^1]),
            };
            return deviation == 0 ? ones(shape) : randn(shape, generator: generator) * deviation;
        });
    }

    /// <summary>
    /// Writes <c>config.json</c> and the weights in the official layout, in the types of <see cref="MiniMaxM1Config.TorchDtype"/> (F32 where those are F16; BF16 with
    /// <see cref="ModuleOptions.Bf16Weights"/>); the engine runs the folder at once. Adapters are merged. An existing checkpoint there is replaced file by file,
    /// each under a temporary name first.
    /// </summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="type">F32 or BF16; null is the type of the configuration.</param>
    public void Save(string folder, DType? type = null)
    {
        var stored = type ?? StoredType;
        if (stored is not (DType.F32 or DType.BF16))
        {
            throw new InvalidInputException($"A trained model is saved as F32 or BF16, not as {stored}. Convert it afterwards.");
        }

        Directory.CreateDirectory(folder);
        var declarations = Parameters.Select(p => new TensorDeclaration(p.Name, p.Role == TensorRole.Router ? DType.F32 : stored, p.Value.shape)).ToArray();
        using var writer = new CheckpointWriter(folder, declarations, SyntheticCheckpoint.DefaultShardBytes);
        for (var i = 0; i < declarations.Length; i++)
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            var values = Effective(Parameters[i].Name).Values();
            for (var start = 0; start < values.Length; start += WriteElements)
            {
                Write(writer, declarations[i], values.Slice(start, Math.Min(WriteElements, values.Length - start)));
            }
        }

        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config + ".tmp", (Config with { TorchDtype = stored }).ToJson());
        writer.Complete();
        File.Move(config + ".tmp", config, overwrite: true);
    }

    private static bool WritesResidual(string name) =>
        name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("out_proj.weight", StringComparison.Ordinal)
        || name.EndsWith(".w2.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal);

    private static MiniMaxM1Module Create(MiniMaxM1Config config, ModuleOptions? options, Func<ManifestTensor, Tensor> valueOf)
    {
        using var scope = NewDisposeScope();
        var parameters = ImmutableArray.CreateBuilder<ModuleParameter>();
        foreach (var tensor in TensorManifest.Create(config).Tensors)
        {
            var parameter = new Parameter(valueOf(tensor).contiguous());
            parameter.DetachFromDisposeScope();
            parameters.Add(new ModuleParameter(tensor.Name, parameter, tensor.Role, tensor.Layer));
        }

        return new MiniMaxM1Module(config, parameters.ToImmutable(), options ?? new ModuleOptions());
    }

    private static void Write(CheckpointWriter writer, TensorDeclaration tensor, ReadOnlySpan<float> values)
    {
        if (tensor.Type == DType.F32)
        {
            writer.Write(tensor.Name, MemoryMarshal.AsBytes(values));
            return;
        }

        var rounded = new ushort[values.Length];
        BFloat16Bits.Of(values, rounded);
        writer.Write(tensor.Name, MemoryMarshal.AsBytes(rounded.AsSpan()));
    }
}
