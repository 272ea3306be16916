using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Quantised matrices repacked once into the layout that products read; everything else stays where it is mapped.
/// The embedding is read by rows and stays as it is. Says which products may round their inputs: those of the layers; the router and the head stay in f32.
/// The pages of a matrix are given back as soon as it is packed, so a model is never in memory twice.
/// </summary>
internal sealed class PackedWeights : IDisposable
{
    private readonly ComputePool pool;
    private readonly IDisposable source;
    private readonly PanelMemory memory;
    private readonly bool roundsInputs;

    private PackedWeights(MiniMaxM1Weights weights, ComputePool pool, BFloat16Inputs bfloat16Inputs)
    {
        this.pool = pool;
        roundsInputs = bfloat16Inputs == BFloat16Inputs.Rounded;
        source = weights.Owner;
        memory = new PanelMemory(weights.LmHead.PackedBytes + weights.Layers.SelectMany(Matrices).Sum(weight => weight.PackedBytes));
    }

    /// <summary>The same weights, ready for products. They own <paramref name="weights"/> from then on.</summary>
    public static MiniMaxM1Weights Pack(MiniMaxM1Weights weights, ComputePool pool, BFloat16Inputs bfloat16Inputs)
    {
        var packed = new PackedWeights(weights, pool, bfloat16Inputs);
        try
        {
            var layers = new LayerWeights[weights.Layers.Length];
            for (var layer = 0; layer < layers.Length; layer++)
            {
                if (layer + 1 < layers.Length)
                {
                    ReadAhead(weights.Layers[layer + 1]);
                }

                layers[layer] = packed.Pack(weights.Layers[layer]);
            }

            return new MiniMaxM1Weights
            {
                EmbedTokens = weights.EmbedTokens,
                FinalNorm = weights.FinalNorm,
                LmHead = packed.PackExact(weights.LmHead),
                Layers = layers,
                Owner = packed,
                Stored = weights.Stored,
            };
        }
        catch
        {
            packed.memory.Dispose(); // The weights stay the caller's.
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        memory.Dispose();
        source.Dispose();
    }

    private static IEnumerable<Weight> Matrices(LayerWeights layer) =>
    [
        layer.QkvProj, layer.OutputGate, layer.OutProj, layer.QProj, layer.KProj, layer.VProj, layer.OProj, layer.Router,
        .. layer.W1, .. layer.W2, .. layer.W3, layer.SharedGate, layer.SharedUp, layer.SharedDown,
    ];

    private static void ReadAhead(LayerWeights layer)
    {
        foreach (var weight in Matrices(layer).Where(weight => weight.PackedBytes > 0))
        {
            weight.ReadAhead();
        }
    }

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
        Router = PackExact(layer.Router),
        W1 = [.. layer.W1.Select(Pack)],
        W2 = [.. layer.W2.Select(Pack)],
        W3 = [.. layer.W3.Select(Pack)],
        SharedGate = Pack(layer.SharedGate),
        SharedUp = Pack(layer.SharedUp),
        SharedDown = Pack(layer.SharedDown),
        Coefficient = layer.Coefficient,
    };

    private Weight Pack(Weight weight) => roundsInputs && weight.DType == DType.BF16 ? weight.WithRoundedInputs() : PackExact(weight);

    private Weight PackExact(Weight weight)
    {
        if (weight.PackedBytes == 0)
        {
            return weight;
        }

        var packed = weight.Pack(pool, memory);
        weight.ReleasePages();
        return packed;
    }
}
