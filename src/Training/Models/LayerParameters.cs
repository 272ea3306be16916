using MiniMaxSharp.Kernels;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>Weights of lightning attention: qkv_proj [3·A·D, H], output_gate [A·D, H], norm [A·D], out_proj [H, A·D].</summary>
internal sealed record LightningWeights(Tensor QkvProj, Tensor OutputGate, Tensor Norm, Tensor OutProj);

/// <summary>Weights of softmax attention: q_proj [A·D, H], k_proj and v_proj [KV·D, H], o_proj [H, A·D].</summary>
internal sealed record SoftmaxWeights(Tensor QProj, Tensor KProj, Tensor VProj, Tensor OProj);

/// <summary>Weights of a shared MLP: gate_proj and up_proj [S, H], down_proj [H, S], coefficient [1, H].</summary>
internal sealed record SharedWeights(Tensor GateProj, Tensor UpProj, Tensor DownProj, Tensor Coefficient);

/// <summary>Matrices of the experts of a layer: w1 and w3 [I, H], w2 [H, I] of each.</summary>
internal sealed record ExpertWeights(Tensor[] W1, Tensor[] W2, Tensor[] W3)
{
    /// <summary>All of w1, then w2, then w3.</summary>
    public Tensor[] All => [.. W1, .. W2, .. W3];

    /// <summary>Their memory.</summary>
    public ExpertMatrices Matrices() => new(W1.Natives(), W2.Natives(), W3.Natives());

    /// <summary>Tensors of the same shapes, not filled.</summary>
    public ExpertWeights EmptyLike() => new(Empty(W1), Empty(W2), Empty(W3));

    private static Tensor[] Empty(Tensor[] like) => [.. like.Select(tensor => empty_like(tensor))];
}

/// <summary>Weights of one layer; one of the two attentions is there.</summary>
internal sealed record LayerParameters(
    Tensor InputLayernorm, Tensor PostAttentionLayernorm, LightningWeights? Lightning, SoftmaxWeights? Softmax, Tensor Router, ExpertWeights Experts,
    SharedWeights? Shared);
