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
        : this(heads, headDim, new AlignedBuffer<float>(LightningAttention.StateLength(heads, headDim)))
    {
    }

    private LightningState(int heads, int headDim, AlignedBuffer<float> buffer) => (this.heads, this.headDim, Buffer) = (heads, headDim, buffer);

    /// <inheritdoc/>
    public long ByteCount => (long)Buffer.Length * sizeof(float);

    internal AlignedBuffer<float> Buffer { get; }

    /// <inheritdoc/>
    public ILayerState Clone() => new LightningState(heads, headDim, new AlignedBuffer<float>(Buffer.Span));

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
    internal KeyValueState(int heads, int headDim, KeyValueType type)
        : this(new KeyValuePages(heads, headDim, type))
    {
    }

    private KeyValueState(KeyValuePages pages) => Pages = pages;

    /// <summary>The paged cache.</summary>
    public KeyValuePages Pages { get; }

    /// <inheritdoc/>
    public long ByteCount => KeyValuePages.ByteCount(Pages.Heads, Pages.HeadDim, Pages.Length, Pages.Type);

    /// <inheritdoc/>
    public ILayerState Clone() => new KeyValueState(Pages.Clone());

    internal void FillSynthetic(int tokens, Random random)
    {
        using var keys = new AlignedBuffer<float>(KeyValuePages.PageTokens * Pages.Heads * Pages.HeadDim);
        using var values = new AlignedBuffer<float>(keys.Length);
        SequenceState.FillRandom(keys.Span, random);
        SequenceState.FillRandom(values.Span, random);
        for (var done = 0; done < tokens; done += KeyValuePages.PageTokens)
        {
            Pages.Append(keys, values, 0, Math.Min(KeyValuePages.PageTokens, tokens - done));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Pages.Dispose();
}

/// <summary>All layer states of one sequence, and its length.</summary>
public sealed class SequenceState : IDisposable
{
    internal SequenceState(MiniMaxM1Config config, KeyValueType type)
    {
        Layers = [.. config.AttnTypeList.Select(kind => kind == AttentionKind.Lightning
            ? (ILayerState)new LightningState(config.NumAttentionHeads, config.HeadDim)
            : new KeyValueState(config.NumKeyValueHeads, config.HeadDim, type))];
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

    /// <summary>
    /// Appends <paramref name="tokens"/> positions of random keys, values and states, as if as many tokens had run: for measurements at a depth
    /// that a prefill would take too long to reach. What the model computes afterwards is noise.
    /// </summary>
    public void FillSynthetic(int tokens, int seed = 1)
    {
        var random = new Random(seed);
        foreach (var layer in Layers)
        {
            switch (layer)
            {
                case KeyValueState cache: cache.FillSynthetic(tokens, random); break;
                case LightningState lightning: FillRandom(lightning.Buffer.Span, random); break;
            }
        }

        Position += tokens;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in Layers)
        {
            layer.Dispose();
        }
    }

    /// <summary>Values evenly spread over −1 … 1.</summary>
    internal static void FillRandom(Span<float> values, Random random)
    {
        foreach (ref var value in values)
        {
            value = (2 * random.NextSingle()) - 1;
        }
    }
}
