using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Quantised matrices repacked once into the layout that products read; everything else stays where it is mapped.
/// The embedding is read by rows and stays as it is.
/// </summary>
internal sealed class PackedWeights : IDisposable
{
    private readonly List<IDisposable> buffers = [];
    private readonly ComputePool pool;
    private readonly string location;

    private PackedWeights(ComputePool pool, string location)
    {
        this.pool = pool;
        this.location = location;
    }

    /// <summary>The same weights, ready for products. They own <paramref name="weights"/> from then on.</summary>
    /// <exception cref="InvalidInputException">A matrix has a type that cannot be multiplied.</exception>
    public static MiniMaxM1Weights Pack(MiniMaxM1Weights weights, ComputePool pool, string location)
    {
        var packed = new PackedWeights(pool, location);
        try
        {
            var result = new MiniMaxM1Weights
            {
                EmbedTokens = weights.EmbedTokens,
                FinalNorm = weights.FinalNorm,
                LmHead = packed.Pack(weights.LmHead),
                Layers = [.. weights.Layers.Select(packed.Pack)],
                Owner = packed,
                Stored = weights.Stored,
            };
            packed.buffers.Add(weights.Owner);
            return result;
        }
        catch
        {
            packed.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => buffers.ForEach(buffer => buffer.Dispose());

    private LayerWeights Pack(LayerWeights layer) => new()
    {
        InputLayernorm = layer.InputLayernorm,
        PostAttentionLayernorm = layer.PostAttentionLayernorm,
        QkvProj = Pack(layer.QkvProj),
        OutputGate = Pack(layer.OutputGate),
        AttentionNorm = layer.AttentionNorm,
        OutProj = Pack(layer.OutProj),
        QProj = Pack(layer.QProj),
        KProj = Pack(layer.KProj),
        VProj = Pack(layer.VProj),
        OProj = Pack(layer.OProj),
        Router = Pack(layer.Router),
        W1 = [.. layer.W1.Select(Pack)],
        W2 = [.. layer.W2.Select(Pack)],
        W3 = [.. layer.W3.Select(Pack)],
        SharedGate = Pack(layer.SharedGate),
        SharedUp = Pack(layer.SharedUp),
        SharedDown = Pack(layer.SharedDown),
        Coefficient = layer.Coefficient,
    };

    private Weight Pack(Weight weight)
    {
        if (weight.IsEmpty || !weight.DType.IsQuantized())
        {
            return weight;
        }

        if (weight.DType is not (DType.Q8_0 or DType.Q4_0))
        {
            throw new InvalidInputException(
                $"{location}: {weight.DType} weights can be read and converted, but not run yet. Convert the file with --dtype bf16, or quantise it as q8_0 or q4_0.");
        }

        var packed = weight.Pack(pool, out var buffer);
        buffers.Add(buffer);
        return packed;
    }
}
