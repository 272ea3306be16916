namespace MiniMaxSharp.Inference;

/// <summary>
/// What happened inside the model for n tokens of one sequence, for comparison with other implementations
/// (specification section 11). Legend: L layers, n tokens, H hidden width, E experts, K experts per token.
/// </summary>
public sealed class ForwardTrace
{
    private readonly int tokens;

    /// <summary>Room for <paramref name="tokens"/> tokens.</summary>
    public ForwardTrace(MiniMaxM1Config config, int tokens)
    {
        this.tokens = tokens;
        HiddenStates = new float[checked((config.NumHiddenLayers + 1) * tokens * config.HiddenSize)];
        FinalNorm = new float[tokens * config.HiddenSize];
        RouterLogits = new float[config.NumHiddenLayers * tokens * config.NumLocalExperts];
        RouterIndices = new int[config.NumHiddenLayers * tokens * config.NumExpertsPerTok];
        RouterWeights = new float[RouterIndices.Length];
    }

    /// <summary>[L + 1, n, H]: the embedding, then the output of each layer before the final norm.</summary>
    public float[] HiddenStates { get; }

    /// <summary>[n, H].</summary>
    public float[] FinalNorm { get; }

    /// <summary>[L, n, E].</summary>
    public float[] RouterLogits { get; }

    /// <summary>[L, n, K], largest weight first.</summary>
    public int[] RouterIndices { get; }

    /// <summary>[L, n, K].</summary>
    public float[] RouterWeights { get; }

    /// <summary>Tokens recorded so far; the next step writes behind them. 0 begins anew.</summary>
    public int Recorded { get; set; }

    internal void Record<T>(T[] target, int layer, ReadOnlySpan<T> rows, int width) =>
        rows.CopyTo(target.AsSpan(((layer * tokens) + Recorded) * width));
}
