namespace MiniMaxSharp.Inference;

/// <summary>How a checkpoint stores the experts; everything else has the same names in all layouts.</summary>
public enum ExpertLayout
{
    /// <summary>
    /// <c>block_sparse_moe.experts.{e}.w1|w2|w3</c>: MiniMax-M1 and MiniMax-Text-01 as published, and the <c>-hf</c> layout of transformers 4.5x.
    /// </summary>
    Separate,

    /// <summary>
    /// <c>mlp.experts.gate_up_proj</c> [E, 2I, H] (gate rows before up rows) and <c>mlp.experts.down_proj</c> [E, H, I]:
    /// the <c>-hf</c> layout of transformers 5.
    /// </summary>
    Packed,
}

/// <summary>The names of a checkpoint's tensors (specification sections 1 and 9).</summary>
public sealed class WeightMap
{
    /// <summary>Embedding [V, H].</summary>
    public const string EmbedTokens = "model.embed_tokens.weight";

    /// <summary>Norm before the head [H].</summary>
    public const string FinalNorm = "model.norm.weight";

    /// <summary>Head [V, H]; absent when it is the embedding.</summary>
    public const string LmHead = "lm_head.weight";

    // Buffers that some tools store beside the weights; they follow from the configuration.
    private static readonly string[] bufferNames = [".slope_rate", ".query_decay", ".key_decay", ".diagonal_decay", ".rotary_emb.inv_freq"];

    private WeightMap(ExpertLayout experts) => Experts = experts;

    /// <summary>How the experts are stored.</summary>
    public ExpertLayout Experts { get; }

    private string MoeBlock => Experts == ExpertLayout.Packed ? "mlp" : "block_sparse_moe";

    /// <summary>Recognises the layout by the names of the experts and routers.</summary>
    /// <param name="names">Names of all tensors.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <exception cref="InvalidInputException">The names belong to no supported layout.</exception>
    public static WeightMap Recognize(IEnumerable<string> names, string source)
    {
        foreach (var name in names)
        {
            if (name.Contains(".block_sparse_moe.", StringComparison.Ordinal))
            {
                return new WeightMap(ExpertLayout.Separate);
            }

            if (name.Contains(".mlp.experts.", StringComparison.Ordinal))
            {
                return new WeightMap(ExpertLayout.Packed);
            }
        }

        throw new InvalidInputException(
            $"{source}: the tensor names are not those of MiniMax-M1, MiniMax-Text-01 or their -hf conversions: neither block_sparse_moe.* nor "
            + "mlp.experts.* is there. Use a checkpoint of this model family; LoRA and GGUF files are other formats.");
    }

    /// <summary>True for a stored buffer that follows from the configuration and is not read.</summary>
    public static bool IsBuffer(string name) => bufferNames.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal));

    /// <summary>Name of a tensor of layer <paramref name="layer"/>, for example <c>self_attn.qkv_proj</c>.</summary>
    public static string Layer(int layer, string part) => $"model.layers.{layer}.{part}.weight";

    /// <summary>Router [E, H] of a layer.</summary>
    public string Router(int layer) => Layer(layer, $"{MoeBlock}.gate");

    /// <summary>Matrix <paramref name="part"/> (w1 gate, w2 down, w3 up) of one expert in the <see cref="ExpertLayout.Separate"/> layout.</summary>
    public static string Expert(int layer, int expert, string part) => Layer(layer, $"block_sparse_moe.experts.{expert}.{part}");

    /// <summary>All gate and up rows [E, 2I, H] of a layer in the <see cref="ExpertLayout.Packed"/> layout.</summary>
    public static string PackedGateUp(int layer) => $"model.layers.{layer}.mlp.experts.gate_up_proj";

    /// <summary>All down matrices [E, H, I] of a layer in the <see cref="ExpertLayout.Packed"/> layout.</summary>
    public static string PackedDown(int layer) => $"model.layers.{layer}.mlp.experts.down_proj";
}
