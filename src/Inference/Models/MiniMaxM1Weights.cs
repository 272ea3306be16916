using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The weights of one model, in the dtype in which each tensor is stored, read in place (specification section 1).
/// H hidden, A heads, D head dim, KV key/value heads, E experts, I expert width, S shared width, V vocabulary.
/// </summary>
public sealed class MiniMaxM1Weights : IDisposable
{
    /// <summary>Embedding [V, H].</summary>
    public required Weight EmbedTokens { get; init; }

    /// <summary>Norm before the head [H].</summary>
    public required float[] FinalNorm { get; init; }

    /// <summary>Head [V, H]; the embedding when tied.</summary>
    public required Weight LmHead { get; init; }

    /// <summary>The layers.</summary>
    public required LayerWeights[] Layers { get; init; }

    /// <summary>
    /// Each tensor as it is stored, under its official name whatever the names of the file are; vectors are [1, n]. For conversion.
    /// </summary>
    public IReadOnlyDictionary<string, Weight> Stored { get; init; } = new Dictionary<string, Weight>();

    /// <summary>What holds the memory behind the matrices; disposed with this object.</summary>
    public required IDisposable Owner { get; init; }

    /// <summary>Loads the checkpoint in <paramref name="folder"/>: maps its files and checks every name and shape.</summary>
    /// <param name="folder">Folder with the safetensors files, or a .gguf file.</param>
    /// <param name="config">Shape of the model.</param>
    /// <param name="checkFinite">True: also read all weights and refuse NaN and infinities.</param>
    /// <exception cref="InvalidInputException">A file, name, shape or value is wrong.</exception>
    public static MiniMaxM1Weights Load(string folder, MiniMaxM1Config config, bool checkFinite = false)
    {
        if (GgufFile.IsGgufPath(folder))
        {
            return LoadGguf(folder, checkFinite);
        }

        var checkpoint = Checkpoint.Open(folder);
        try
        {
            return Load(checkpoint, config, checkFinite);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The same for an open checkpoint, which belongs to the result from then on.</summary>
    /// <exception cref="InvalidInputException">A file, name, shape or value is wrong; the checkpoint stays the caller's.</exception>
    public static MiniMaxM1Weights Load(Checkpoint checkpoint, MiniMaxM1Config config, bool checkFinite = false) =>
        new MiniMaxM1WeightsLoader(checkpoint, config).Load(checkFinite);

    /// <inheritdoc/>
    public void Dispose() => Owner.Dispose();

    /// <summary>A stored tensor for an export.</summary>
    internal ExportPart Part(string name) => new(name, Stored[name]);

    private static MiniMaxM1Weights LoadGguf(string path, bool checkFinite)
    {
        var model = GgufModel.Open(path);
        try
        {
            return model.LoadWeights(checkFinite);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

/// <summary>The weights of one layer. Fields of the other attention kind are empty.</summary>
public sealed class LayerWeights
{
    /// <summary>Norm before attention [H].</summary>
    public required float[] InputLayernorm { get; init; }

    /// <summary>Norm before the experts [H].</summary>
    public required float[] PostAttentionLayernorm { get; init; }

    /// <summary>Lightning: q, k, v interleaved per head [3AD, H].</summary>
    public Weight QkvProj { get; init; }

    /// <summary>Lightning: gate of the output [AD, H].</summary>
    public Weight OutputGate { get; init; }

    /// <summary>Lightning: norm of the output [AD].</summary>
    public float[] AttentionNorm { get; init; } = [];

    /// <summary>Lightning: output projection [H, AD].</summary>
    public Weight OutProj { get; init; }

    /// <summary>Softmax: queries [AD, H].</summary>
    public Weight QProj { get; init; }

    /// <summary>Softmax: keys [KV·D, H].</summary>
    public Weight KProj { get; init; }

    /// <summary>Softmax: values [KV·D, H].</summary>
    public Weight VProj { get; init; }

    /// <summary>Softmax: output projection [H, AD].</summary>
    public Weight OProj { get; init; }

    /// <summary>Router [E, H].</summary>
    public required Weight Router { get; init; }

    /// <summary>Gate matrix [I, H] of each expert.</summary>
    public required Weight[] W1 { get; init; }

    /// <summary>Down matrix [H, I] of each expert.</summary>
    public required Weight[] W2 { get; init; }

    /// <summary>Up matrix [I, H] of each expert.</summary>
    public required Weight[] W3 { get; init; }

    /// <summary>Gate of the shared MLP [S, H]; empty when there is none.</summary>
    public Weight SharedGate { get; init; }

    /// <summary>Up matrix of the shared MLP [S, H]; empty when there is none.</summary>
    public Weight SharedUp { get; init; }

    /// <summary>Down matrix of the shared MLP [H, S]; empty when there is none.</summary>
    public Weight SharedDown { get; init; }

    /// <summary>Weight of the shared MLP's mixing gate [H]; null when there is none.</summary>
    public float[]? Coefficient { get; init; }
}
