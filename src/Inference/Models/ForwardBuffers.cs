using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The activations of one step, allocated once. Legend: T tokens of a step, H hidden width, A heads, KV key/value heads, D head width,
/// R rotary width, E experts, K experts per token, I expert width.
/// </summary>
internal sealed class ForwardBuffers : IDisposable
{
    private readonly List<IDisposable> all = [];

    public ForwardBuffers(MiniMaxM1Config config, int T, int sharedWidth, int logitRows)
    {
        var (H, AD, KVD) = (config.HiddenSize, config.NumAttentionHeads * config.HeadDim, config.NumKeyValueHeads * config.HeadDim);
        var (E, K, I) = (config.NumLocalExperts, config.NumExpertsPerTok, config.IntermediateSize);
        MaxTokens = T;
        LogitRows = logitRows;
        HiddenStates = Floats(T, H);
        Normed = Floats(T, H);
        BlockOutput = Floats(T, H);
        Qkv = Floats(T, 3 * AD);
        Keys = Floats(T, KVD);
        Values = Floats(T, KVD);
        OutputGate = Floats(T, AD);
        Attention = Floats(T, AD);
        Cos = Floats(T, config.RotaryDim / 2);
        Sin = Floats(T, config.RotaryDim / 2);
        RouterLogits = Floats(T, E);
        RouterWeights = Floats(T, K);
        RouterIndices = Ints(T, K);
        Slots = Ints(T, K);
        ExpertOffsets = new int[E + 1];
        GroupedInput = Floats(T * K, H);
        ExpertGate = Floats(T * K, Math.Max(I, sharedWidth));
        ExpertUp = Floats(T * K, Math.Max(I, sharedWidth));
        ExpertOutput = Floats(T * K, H);
        SharedCoefficient = Floats(T, 1);
        Logits = Floats(logitRows, config.VocabSize);
        Jobs = new MatMulJob[2 * E];
    }

    public int MaxTokens { get; }

    public int LogitRows { get; }

    /// <summary>[T, H]: the residual stream.</summary>
    public AlignedBuffer<float> HiddenStates { get; }

    /// <summary>[T, H]: input of a sublayer; after the last layer the final norm.</summary>
    public AlignedBuffer<float> Normed { get; }

    /// <summary>[T, H]: output of a sublayer.</summary>
    public AlignedBuffer<float> BlockOutput { get; }

    /// <summary>[T, A, 3, D] in lightning layers; the queries [T, A, D] in softmax layers.</summary>
    public AlignedBuffer<float> Qkv { get; }

    /// <summary>[T, KV, D].</summary>
    public AlignedBuffer<float> Keys { get; }

    /// <summary>[T, KV, D].</summary>
    public AlignedBuffer<float> Values { get; }

    /// <summary>[T, A, D].</summary>
    public AlignedBuffer<float> OutputGate { get; }

    /// <summary>[T, A, D].</summary>
    public AlignedBuffer<float> Attention { get; }

    /// <summary>[T, R/2].</summary>
    public AlignedBuffer<float> Cos { get; }

    /// <summary>[T, R/2].</summary>
    public AlignedBuffer<float> Sin { get; }

    /// <summary>[T, E].</summary>
    public AlignedBuffer<float> RouterLogits { get; }

    /// <summary>[T, K].</summary>
    public AlignedBuffer<float> RouterWeights { get; }

    /// <summary>[T, K].</summary>
    public AlignedBuffer<int> RouterIndices { get; }

    /// <summary>[T, K]: row of each choice in expert order.</summary>
    public AlignedBuffer<int> Slots { get; }

    /// <summary>[E + 1]: first grouped row of each expert.</summary>
    public int[] ExpertOffsets { get; }

    /// <summary>[T·K, H].</summary>
    public AlignedBuffer<float> GroupedInput { get; }

    /// <summary>[T·K, I].</summary>
    public AlignedBuffer<float> ExpertGate { get; }

    /// <summary>[T·K, I].</summary>
    public AlignedBuffer<float> ExpertUp { get; }

    /// <summary>[T·K, H].</summary>
    public AlignedBuffer<float> ExpertOutput { get; }

    /// <summary>[T].</summary>
    public AlignedBuffer<float> SharedCoefficient { get; }

    /// <summary>[LogitRows, V].</summary>
    public AlignedBuffer<float> Logits { get; }

    /// <summary>Products of one parallel region.</summary>
    public MatMulJob[] Jobs { get; }

    /// <summary>Bytes that the buffers of a step of T tokens occupy.</summary>
    public static long ByteCount(MiniMaxM1Config config, int T, int sharedWidth, int logitRows)
    {
        long AD = config.NumAttentionHeads * config.HeadDim, KVD = config.NumKeyValueHeads * config.HeadDim, H = config.HiddenSize;
        long K = config.NumExpertsPerTok, I = Math.Max(config.IntermediateSize, sharedWidth);
        var perToken = (3 * H) + (5 * AD) + (2 * KVD) + config.RotaryDim + config.NumLocalExperts + (3 * K) + (2 * K * (H + I)) + 1;
        return sizeof(float) * ((T * perToken) + ((long)logitRows * config.VocabSize));
    }

    public void Dispose() => all.ForEach(buffer => buffer.Dispose());

    private AlignedBuffer<float> Floats(int rows, int width) => Keep(new AlignedBuffer<float>(checked(rows * width)));

    private AlignedBuffer<int> Ints(int rows, int width) => Keep(new AlignedBuffer<int>(checked(rows * width)));

    private AlignedBuffer<T> Keep<T>(AlignedBuffer<T> buffer)
        where T : unmanaged
    {
        all.Add(buffer);
        return buffer;
    }
}
