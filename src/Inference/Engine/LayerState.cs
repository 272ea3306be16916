using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>What one layer remembers of one sequence.</summary>
public interface ILayerState : IDisposable
{
    /// <summary>Bytes in use.</summary>
    long ByteCount { get; }

    /// <summary>A copy that goes on independently.</summary>
    ILayerState Clone();
}

/// <summary>The state S of a lightning layer: f32 [A, D, Dp], constant size. It cannot be truncated. Dp is D rounded up to 16.</summary>
public sealed class LightningState : ILayerState
{
    private readonly int heads;
    private readonly int headDim;

    internal LightningState(int heads, int headDim)
    {
        this.heads = heads;
        this.headDim = headDim;
        Buffer = new AlignedBuffer<float>(LightningAttention.StateLength(heads, headDim));
    }

    /// <inheritdoc/>
    public long ByteCount => (long)Buffer.Length * sizeof(float);

    internal AlignedBuffer<float> Buffer { get; }

    /// <inheritdoc/>
    public ILayerState Clone()
    {
        var copy = new LightningState(heads, headDim);
        Buffer.Span.CopyTo(copy.Buffer.Span);
        return copy;
    }

    /// <summary>A copy of S as [A, D, D] without padding.</summary>
    public float[] ToArray()
    {
        var padded = Buffer.Length / (heads * headDim);
        var values = new float[heads * headDim * headDim];
        for (var row = 0; row < heads * headDim; row++)
        {
            Buffer.Span.Slice(row * padded, headDim).CopyTo(values.AsSpan(row * headDim));
        }

        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => Buffer.Dispose();
}

/// <summary>Rotated keys, and values, of a softmax layer: grows with the sequence and can be truncated.</summary>
public sealed class KeyValueState : ILayerState
{
    internal KeyValueState(int heads, int headDim)
        : this(new KeyValuePages(heads, headDim))
    {
    }

    private KeyValueState(KeyValuePages pages) => Pages = pages;

    /// <summary>The paged cache.</summary>
    public KeyValuePages Pages { get; }

    /// <inheritdoc/>
    public long ByteCount => KeyValuePages.ByteCount(Pages.Heads, Pages.HeadDim, Pages.Length);

    /// <inheritdoc/>
    public ILayerState Clone() => new KeyValueState(Pages.Clone());

    /// <inheritdoc/>
    public void Dispose() => Pages.Dispose();
}

/// <summary>All layer states of one sequence, and its length.</summary>
public sealed class SequenceState : IDisposable
{
    internal SequenceState(MiniMaxM1Config config)
    {
        Layers = [.. config.AttnTypeList.Select(kind => kind == AttentionKind.Lightning
            ? (ILayerState)new LightningState(config.NumAttentionHeads, config.HeadDim)
            : new KeyValueState(config.NumKeyValueHeads, config.HeadDim))];
    }

    private SequenceState(IReadOnlyList<ILayerState> layers, int position)
    {
        Layers = layers;
        Position = position;
    }

    /// <summary>One state for each layer.</summary>
    public IReadOnlyList<ILayerState> Layers { get; }

    /// <summary>Tokens that the states hold; the position of the next token.</summary>
    public int Position { get; internal set; }

    /// <summary>A copy that goes on independently: a fork of the sequence.</summary>
    public SequenceState Clone() => new([.. Layers.Select(layer => layer.Clone())], Position);

    /// <summary>Bytes in use.</summary>
    public long ByteCount => Layers.Sum(layer => layer.ByteCount);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers)
        {
            layer.Dispose();
        }
    }
}
