using System.Collections.Frozen;
using System.Globalization;

namespace MiniMaxSharp.Inference;

/// <summary>Tensor names of llama.cpp's architecture <c>minimax-01</c> and the official names that they stand for.</summary>
internal static class GgufNames
{
    /// <summary>Embedding [V, H].</summary>
    public const string EmbedTokens = "token_embd.weight";

    /// <summary>Norm before the head [H].</summary>
    public const string FinalNorm = "output_norm.weight";

    /// <summary>Head [V, H]; absent when it is the embedding.</summary>
    public const string LmHead = "output.weight";

    private const string ExpertPrefix = "block_sparse_moe.experts.";

    // attn_output is out_proj in lightning layers and o_proj in softmax layers.
    private static readonly FrozenDictionary<string, string> ggufParts = new Dictionary<string, string>
    {
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["self_attn.qkv_proj"] = "attn_qkv",
        ["self_attn.output_gate"] = "attn_gate",
        ["self_attn.norm"] = "attn_norm_2",
        ["self_attn.out_proj"] = "attn_output",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["block_sparse_moe.gate"] = "ffn_gate_inp",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, string> expertParts = new Dictionary<string, string>
    {
        ["w1"] = "ffn_gate_exps",
        ["w2"] = "ffn_down_exps",
        ["w3"] = "ffn_up_exps",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>
    /// The GGUF tensor of an official one, and the slice of it that an expert's matrix is (else −1); null for a name that GGUF has no place for.
    /// </summary>
    public static (string Name, int Expert)? Of(string official)
    {
        switch (official)
        {
            case WeightMap.EmbedTokens: return (EmbedTokens, -1);
            case WeightMap.FinalNorm: return (FinalNorm, -1);
            case WeightMap.LmHead: return (LmHead, -1);
        }

        // model.layers.{layer}.{part}.weight
        var pieces = official.Split('.', 4);
        if (pieces is not ["model", "layers", var layer, var rest] || !rest.EndsWith(".weight", StringComparison.Ordinal))
        {
            return null;
        }

        var part = rest[..^".weight".Length];
        if (!part.StartsWith(ExpertPrefix, StringComparison.Ordinal))
        {
            return ggufParts.TryGetValue(part, out var name) ? ($"blk.{layer}.{name}.weight", -1) : null;
        }

        return part[ExpertPrefix.Length..].Split('.') is [var index, var matrix] && expertParts.TryGetValue(matrix, out var stack)
            && int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var expert)
            ? ($"blk.{layer}.{stack}.weight", expert)
            : null;
    }
}
