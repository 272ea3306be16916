using System.Runtime.InteropServices;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The weights of a model in memory, which a trainer writes again and again: models over them see the new values without a file between.
/// Norms are copied when a model is made, so make a new <see cref="MiniMaxM1"/> over <see cref="Open"/> after the weights were written.
/// </summary>
public sealed class MemoryWeights : IWeightSource
{
    private const string Place = "the weights in memory";
    private readonly MiniMaxM1Config config;
    private readonly Dictionary<string, (AlignedBuffer<byte> Bytes, DType Type, long[] Shape)> tensors = new(StringComparer.Ordinal);

    /// <summary>Room for all weights of <paramref name="config"/>; all are 0.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="typeOf">F32, or the type in which the rows of a matrix are kept; null keeps all in F32.</param>
    public MemoryWeights(MiniMaxM1Config config, Func<ManifestTensor, DType>? typeOf = null)
    {
        this.config = config;
        foreach (var tensor in TensorManifest.Create(config).Tensors)
        {
            long[] shape = [.. tensor.Shape.Select(static size => (long)size)];
            var type = typeOf?.Invoke(tensor) ?? DType.F32;
            tensors[tensor.Name] = (new AlignedBuffer<byte>(checked((int)(type.RowBytes((int)shape[^1]) * (shape.Length == 1 ? 1 : shape[0])))), type, shape);
        }
    }

    /// <inheritdoc/>
    string IWeightSource.Location => Place;

    /// <inheritdoc/>
    string IWeightSource.ConfigName => "the configuration";

    /// <inheritdoc/>
    IReadOnlyCollection<string> IWeightSource.TensorNames => tensors.Keys;

    /// <summary>Copies the values of a tensor, or quantises them. No model over these weights may run meanwhile.</summary>
    /// <param name="name">Official name.</param>
    /// <param name="values">All of them, row by row.</param>
    /// <exception cref="InvalidInputException">There is no such tensor, or it has another size.</exception>
    public void Write(string name, ReadOnlySpan<float> values)
    {
        var (target, type, shape) = Of(name);
        if (values.Length != shape.Aggregate(1L, static (product, size) => product * size))
        {
            throw new InvalidInputException($"{name} has {values.Length:N0} values, but the model asks for [{string.Join(", ", shape)}]. Write the weights of the same model.");
        }

        if (type == DType.F32)
        {
            MemoryMarshal.AsBytes(values).CopyTo(target.Span);
            return;
        }

        var (columns, rowBytes) = ((int)shape[^1], checked((int)type.RowBytes((int)shape[^1])));
        for (var row = 0; row < shape[0]; row++)
        {
            Quantizer.Quantize(type, values.Slice(row * columns, columns), [], target.Span.Slice(row * rowBytes, rowBytes));
        }
    }

    /// <summary>The weights for a model. They point into this object, which the caller disposes.</summary>
    public MiniMaxM1Weights Open() => new MiniMaxM1WeightsLoader(this, config).Load(checkFinite: false);

    /// <summary>The same with a copy of the quantised matrices as products read them; later writes do not reach it. It owns this object.</summary>
    public MiniMaxM1Weights OpenPacked(ComputePool pool) => PackedWeights.Pack(Open(), pool, BFloat16Inputs.Exact);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (bytes, _, _) in tensors.Values)
        {
            bytes.Dispose();
        }
    }

    /// <inheritdoc/>
    bool IWeightSource.Contains(string name) => tensors.ContainsKey(name);

    /// <inheritdoc/>
    long[] IWeightSource.ShapeOf(string name) => Of(name).Shape;

    /// <inheritdoc/>
    string IWeightSource.PathOf(string name) => Place;

    /// <inheritdoc/>
    Weight IWeightSource.Matrix(string name)
    {
        var (bytes, type, shape) = Of(name);
        return Weight.From(bytes, type, shape.Length == 1 ? 1 : (int)shape[0], (int)shape[^1]);
    }

    /// <inheritdoc/>
    Weight IWeightSource.Matrix(string name, int index) => throw new InvalidInputException($"{Place}: {name} is not packed by experts.");

    private (AlignedBuffer<byte> Bytes, DType Type, long[] Shape) Of(string name) => tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new InvalidInputException($"{Place} have no tensor {name}. Give the configuration of the model.");
}
