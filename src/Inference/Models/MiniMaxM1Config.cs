using System.Collections.Immutable;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>Kind of token mixing of a layer; the values are those of <c>attn_type_list</c>.</summary>
public enum AttentionKind
{
    /// <summary>Linear attention with a decayed state of constant size (specification section 3).</summary>
    Lightning = 0,

    /// <summary>Softmax attention with a key/value cache (specification section 4).</summary>
    Softmax = 1,
}

/// <summary>
/// Shape and constants of one MiniMax-M1 / MiniMax-Text-01 model, under the official field names of <c>config.json</c>.
/// Only fields that are read are here; unsupported values throw when the file is loaded.
/// </summary>
public sealed partial record MiniMaxM1Config
{
    /// <summary>H, width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>I, inner width of one expert.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>L, number of layers.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>A, query heads; also the heads of lightning attention.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>KV, key/value heads of softmax attention.</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>D, width of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>R, leading dimensions of a head that RoPE turns.</summary>
    public required int RotaryDim { get; init; }

    /// <summary>E, experts of a layer.</summary>
    public required int NumLocalExperts { get; init; }

    /// <summary>K, experts that a token uses.</summary>
    public required int NumExpertsPerTok { get; init; }

    /// <summary>V, rows of the embedding and of the head.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Kind of each layer, L entries.</summary>
    public required ImmutableArray<AttentionKind> AttnTypeList { get; init; }

    /// <summary>True: the residual of a sublayer is its normalised input (M1). False: the raw stream.</summary>
    public bool Postnorm { get; init; }

    /// <summary>Residual factor of lightning attention.</summary>
    public float LayernormLinearAttentionAlpha { get; init; } = 1;

    /// <summary>Output factor of lightning attention.</summary>
    public float LayernormLinearAttentionBeta { get; init; } = 1;

    /// <summary>Residual factor of softmax attention.</summary>
    public float LayernormFullAttentionAlpha { get; init; } = 1;

    /// <summary>Output factor of softmax attention.</summary>
    public float LayernormFullAttentionBeta { get; init; } = 1;

    /// <summary>Residual factor of the experts.</summary>
    public float LayernormMlpAlpha { get; init; } = 1;

    /// <summary>Output factor of the experts.</summary>
    public float LayernormMlpBeta { get; init; } = 1;

    /// <summary>Inner width of the shared MLP; 0 when the model has none (M1).</summary>
    public int SharedIntermediateSize { get; init; }

    /// <summary>Epsilon of all norms but the one inside lightning attention, which is 1e-6.</summary>
    public float RmsNormEps { get; init; } = 1e-5f;

    /// <summary>Base of the RoPE frequencies.</summary>
    public double RopeTheta { get; init; } = 1e6;

    /// <summary>Longest sequence that the model declares.</summary>
    public int MaxPositionEmbeddings { get; init; } = 131_072;

    /// <summary>True when the head is the embedding.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Weight of the load-balancing loss in training.</summary>
    public float RouterAuxLossCoef { get; init; } = 0.001f;

    /// <summary>Id that ends an answer, when the file names one (the official file does not).</summary>
    public int? EosTokenId { get; init; }

    /// <summary>
    /// Type that the weights are stored in, router gates excepted (those are F32). BF16 when the file does not say, as in M1.
    /// A loader still takes the type of each tensor from its file.
    /// </summary>
    public DType TorchDtype { get; init; } = DType.BF16;

    /// <summary>A*D, width of all query heads together. It differs from H in M1.</summary>
    public int QueryWidth => NumAttentionHeads * HeadDim;

    /// <summary>KV*D, width of all key (or value) heads together.</summary>
    public int KeyValueWidth => NumKeyValueHeads * HeadDim;

    /// <summary>A/KV, query heads that share one key/value head.</summary>
    public int QueryHeadsPerKeyValueHead => NumAttentionHeads / NumKeyValueHeads;

    /// <summary>Number of layers of <paramref name="kind"/>.</summary>
    public int CountLayers(AttentionKind kind) => AttnTypeList.Count(k => k == kind);

    /// <summary>Residual factor of the attention sublayer of a layer of <paramref name="kind"/>.</summary>
    public float AttentionAlpha(AttentionKind kind) =>
        kind == AttentionKind.Lightning ? LayernormLinearAttentionAlpha : LayernormFullAttentionAlpha;

    /// <summary>Output factor of the attention sublayer of a layer of <paramref name="kind"/>.</summary>
    public float AttentionBeta(AttentionKind kind) =>
        kind == AttentionKind.Lightning ? LayernormLinearAttentionBeta : LayernormFullAttentionBeta;
}
