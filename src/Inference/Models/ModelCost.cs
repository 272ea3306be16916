namespace MiniMaxSharp.Inference;

/// <summary>
/// FLOPs of decoding as a line in the number n of visible keys, f(n) = <paramref name="Fixed"/> + <paramref name="PerVisibleKey"/> * n.
/// One multiply-add counts 2.
/// </summary>
/// <param name="Fixed">FLOPs of a token that do not depend on the context.</param>
/// <param name="PerVisibleKey">FLOPs that each visible key adds.</param>
public readonly record struct DecodeFlops(Int128 Fixed, Int128 PerVisibleKey)
{
    /// <summary>f(n), FLOPs of one token that sees <paramref name="visibleKeys"/> keys, itself included.</summary>
    public Int128 PerToken(long visibleKeys) => Fixed + (PerVisibleKey * visibleKeys);

    /// <summary>Sum of f(1) to f(N): generation of <paramref name="tokens"/> tokens from an empty context.</summary>
    public Int128 Cumulative(long tokens) => (Fixed * tokens) + (PerVisibleKey * tokens * ((Int128)tokens + 1) / 2);
}

/// <summary>
/// Parameters, memory and FLOPs of a configuration, by the formulas of specification section 10. All figures are exact integers.
/// H hidden, A heads, KV key/value heads, D head dim, L layers, E experts, K of them per token, I expert width, V vocabulary,
/// n0 lightning layers, n1 softmax layers.
/// </summary>
public sealed class ModelCost
{
    private readonly long lightningLayers;
    private readonly long softmaxLayers;
    private readonly long queryWidth;
    private readonly long keyValueWidth;
    private readonly long headDim;
    private readonly Int128 vocabularyMatrix;
    private readonly Int128 normWeights;
    private readonly bool isTied;

    /// <summary>Counts the figures of <paramref name="config"/>.</summary>
    public ModelCost(MiniMaxM1Config config)
    {
        lightningLayers = config.CountLayers(AttentionKind.Lightning);
        softmaxLayers = config.CountLayers(AttentionKind.Softmax);
        (queryWidth, keyValueWidth, headDim) = (config.QueryWidth, config.KeyValueWidth, config.HeadDim);
        isTied = config.TieWordEmbeddings;
        Int128 H = config.HiddenSize;
        Int128 L = config.NumHiddenLayers;
        vocabularyMatrix = config.VocabSize * H;
        normWeights = H + (2 * L * H) + (lightningLayers * queryWidth);
        var attention = (lightningLayers * 5 * queryWidth * H) + (softmaxLayers * 2 * (queryWidth + keyValueWidth) * H);
        var shared = config.SharedIntermediateSize > 0 ? L * H * ((3 * (Int128)config.SharedIntermediateSize) + 1) : 0;
        var oneExpertPerLayer = L * 3 * H * config.IntermediateSize;
        var dense = attention + shared + (L * config.NumLocalExperts * H);
        ParameterCount = (isTied ? 1 : 2) * vocabularyMatrix + normWeights + dense + (config.NumLocalExperts * oneExpertPerLayer);
        ActiveParameters = ParameterCount - ((config.NumLocalExperts - config.NumExpertsPerTok) * oneExpertPerLayer);
    }

    /// <summary>All parameters; 456,089,655,296 for M1.</summary>
    public Int128 ParameterCount { get; }

    /// <summary>Parameters that a token meets, embedding and head included; 48.4033B for M1.</summary>
    public Int128 ActiveParameters { get; }

    /// <summary>The same without the embedding table, of which a token reads one row; a tied matrix counts as the head. 47.1741B for M1.</summary>
    public Int128 ActiveWithoutEmbedding => isTied ? ActiveParameters : ActiveParameters - vocabularyMatrix;

    /// <summary>The same without embedding and head; 45.9449B for M1, the published 45.9B.</summary>
    public Int128 ActiveWithoutVocabulary => ActiveWithoutEmbedding - vocabularyMatrix;

    /// <summary>W, weights that a decoded token is multiplied with: head and routers, but no norms. 47.1726B for M1.</summary>
    public Int128 MatMulWeights => ActiveWithoutEmbedding - normWeights;

    /// <summary>FLOPs of decoding: W twice, the lightning state (k^T v and add 2, q.S 2, decay 1), and the visible keys.</summary>
    public DecodeFlops Decode => new((2 * MatMulWeights) + (lightningLayers * 5 * queryWidth * (Int128)headDim), softmaxLayers * 4 * (Int128)queryWidth);

    /// <summary>
    /// FLOPs of a prefill of <paramref name="tokens"/> tokens from an empty context, lightning attention in blocks of
    /// <paramref name="block"/> tokens. Only <paramref name="logitTokens"/> tokens pass the head.
    /// </summary>
    public Int128 PrefillFlops(long tokens, long logitTokens = 1, int block = 256)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(logitTokens, tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(block);
        Int128 N = tokens;
        var weights = (N * 2 * (MatMulWeights - vocabularyMatrix)) + (2 * vocabularyMatrix * logitTokens);
        var lightning = lightningLayers * queryWidth * N * ((4 * headDim) + (2 * ((long)block + 1)));
        var softmax = softmaxLayers * 2 * queryWidth * N * (N + 1);
        return weights + lightning + softmax;
    }

    /// <summary>Bytes of the lightning states of one sequence, [n0, A, D, D], whatever its length; 293,601,280 for M1 in f32.</summary>
    public Int128 LightningStateBytes(int elementSize = sizeof(float)) => (Int128)lightningLayers * queryWidth * headDim * elementSize;

    /// <summary>Bytes of keys and values that one token adds, [n1, 2, KV, D]; 40,960 for M1 in bf16.</summary>
    public Int128 KeyValueBytesPerToken(int elementSize = 2) => (Int128)softmaxLayers * 2 * keyValueWidth * elementSize;

    /// <summary>Bytes of keys and values of a sequence of <paramref name="tokens"/> tokens.</summary>
    public Int128 KeyValueBytes(long tokens, int elementSize = 2) => KeyValueBytesPerToken(elementSize) * tokens;
}
