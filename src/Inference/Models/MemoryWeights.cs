using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The f32 weights of a model in memory, which a trainer writes again and again: models over them see the new values without a file between.
/// Norms are copied when a model is made, so make a new <see cref="MiniMaxM1"/> over <see cref="Open"/> after the weights were written.
/// </summary>
public sealed class MemoryWeights : IWeightSource
{
    private const string Place = "the weights in memory";
    private readonly MiniMaxM1Config config;
    private readonly Dictionary<string, (AlignedBuffer<float> Values, long[] Shape)> tensors = new(StringComparer.Ordinal);

    /// <summary>Room for all weights of <paramref name="config"/>; all are 0.</summary>
    public MemoryWeights(MiniMaxM1Config config)
    {
        this.config = config;
        foreach (var tensor in TensorManifest.Create(config).Tensors)
        {
            long[] shape = [.. tensor.Shape.Select(static size => (long)size)];
            tensors[tensor.Name] = (new AlignedBuffer<float>(checked((int)shape.Aggregate(1L, static (product, size) => product * size))), shape);
        }
    }

    /// <inheritdoc/>
    string IWeightSource.Location => Place;

    /// <inheritdoc/>
    string IWeightSource.ConfigName => "the configuration";

    /// <inheritdoc/>
    IReadOnlyCollection<string> IWeightSource.TensorNames => tensors.Keys;

    /// <summary>Copies the values of a tensor. No model over these weights may run meanwhile.</summary>
    /// <param name="name">Official name.</param>
    /// <param name="values">All of them, row by row.</param>
    /// <exception cref="InvalidInputException">There is no such tensor, or it has another size.</exception>
    public void Write(string name, ReadOnlySpan<float> values)
    {
        var (target, shape) = Of(name);
        if (values.Length != target.Length)
        {
            throw new InvalidInputException($"{name} has {values.Length:N0} values, but the model asks for [{string.Join(", ", shape)}]. Write the weights of the same model.");
        }

        values.CopyTo(target.Span);
    }

    /// <summary>The weights for a model. They point into this object, which the caller disposes.</summary>
    public MiniMaxM1Weights Open() => new MiniMaxM1WeightsLoader(this, config).Load(checkFinite: false);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (values, _) in tensors.Values)
        {
            values.Dispose();
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
        var (values, shape) = Of(name);
        return Weight.From(values, shape.Length == 1 ? 1 : (int)shape[0], (int)shape[^1]);
    }

    /// <inheritdoc/>
    Weight IWeightSource.Matrix(string name, int index) => throw new InvalidInputException($"{Place}: {name} is not packed by experts.");

    private (AlignedBuffer<float> Values, long[] Shape) Of(string name) => tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new InvalidInputException($"{Place} have no tensor {name}. Give the configuration of the model.");
}
