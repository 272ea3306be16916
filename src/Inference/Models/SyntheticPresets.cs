using System.Collections.Immutable;

namespace MiniMaxSharp.Inference;

/// <summary>Named shapes for random checkpoints.</summary>
public static class SyntheticPresets
{
    // (2L)^(1/4) of the 80 layers of MiniMax-M1.
    private const float M1Alpha = 3.5565588200778455f;

    private static readonly MiniMaxM1Config tiny = new()
    {
        HiddenSize = 64,
        IntermediateSize = 96,
        NumHiddenLayers = 8,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = 16,
        RotaryDim = 8,
        NumLocalExperts = 4,
        NumExpertsPerTok = 2,
        VocabSize = 512,
        AttnTypeList = LastIsSoftmax(8),
        Postnorm = true,
        LayernormLinearAttentionAlpha = 2,
        LayernormFullAttentionAlpha = 2,
        LayernormMlpAlpha = 2,
        RopeTheta = 1e7,
        MaxPositionEmbeddings = 4096,
    };

    /// <summary>
    /// Shapes by name: tiny for tests, bench-2b for benchmarks (2.03 billion parameters), m1-pair with two layers as wide as those of MiniMax-M1.
    /// </summary>
    public static IReadOnlyDictionary<string, MiniMaxM1Config> All { get; } = new SortedDictionary<string, MiniMaxM1Config>(StringComparer.Ordinal)
    {
        ["tiny"] = tiny,
        ["bench-2b"] = tiny with
        {
            HiddenSize = 1536,
            IntermediateSize = 1536,
            NumAttentionHeads = 16,
            HeadDim = 128,
            RotaryDim = 64,
            NumLocalExperts = 32,
            VocabSize = 32_000,
            MaxPositionEmbeddings = 131_072,
        },
        ["m1-pair"] = tiny with
        {
            HiddenSize = 6144,
            IntermediateSize = 9216,
            NumHiddenLayers = 2,
            NumAttentionHeads = 64,
            NumKeyValueHeads = 8,
            HeadDim = 128,
            RotaryDim = 64,
            NumLocalExperts = 8,
            VocabSize = 1024,
            AttnTypeList = LastIsSoftmax(2),
            LayernormLinearAttentionAlpha = M1Alpha,
            LayernormFullAttentionAlpha = M1Alpha,
            LayernormMlpAlpha = M1Alpha,
            MaxPositionEmbeddings = 10_240_000,
        },
    };

    private static ImmutableArray<AttentionKind> LastIsSoftmax(int layers) =>
        [.. Enumerable.Repeat(AttentionKind.Lightning, layers - 1), AttentionKind.Softmax];
}
