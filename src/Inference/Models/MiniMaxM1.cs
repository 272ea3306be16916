using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>The new tokens of one sequence in a step.</summary>
/// <param name="State">The sequence; advanced by the step.</param>
/// <param name="Tokens">Token ids that follow what the state holds.</param>
public readonly record struct SequenceChunk(SequenceState State, ReadOnlyMemory<int> Tokens);

/// <summary>
/// The forward pass of MiniMax-M1 (specification sections 2–6). A step takes chunks of any number of sequences, ragged, without padding:
/// each row equals the row of the same sequence alone.
/// </summary>
public sealed partial class MiniMaxM1 : IDisposable
{
    /// <summary>Epsilon of the norm inside lightning attention: a constant of the official class, not <c>rms_norm_eps</c>.</summary>
    private const float LightningNormEps = 1e-6f;

    private readonly MiniMaxM1Weights weights;
    private readonly ComputePool pool;
    private readonly ForwardBuffers buffers;
    private readonly LayerVectors[] vectors;
    private readonly AlignedBuffer<float> finalNorm;
    private readonly float[] inverseFrequencies;
    private readonly List<LightningSlice> lightningSlices = [];
    private readonly List<AttentionSlice> attentionSlices = [];
    private readonly long[] expertTokens;

    /// <summary>Prepares a model for steps of at most <paramref name="maxStepTokens"/> tokens.</summary>
    /// <param name="config">Shape.</param>
    /// <param name="weights">Weights of that shape; the caller keeps them open.</param>
    /// <param name="pool">Threads; the caller keeps them alive.</param>
    /// <param name="maxStepTokens">Largest sum of tokens of one step.</param>
    /// <param name="logitRows">Rows of logits that one call of <see cref="Logits"/> computes at most.</param>
    /// <param name="keyValueType">How keys and values of its sequences are stored.</param>
    public MiniMaxM1(
        MiniMaxM1Config config, MiniMaxM1Weights weights, ComputePool pool, int maxStepTokens = 512, int logitRows = 16, KeyValueType keyValueType = KeyValueType.F32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxStepTokens);
        Config = config;
        KeyValueType = keyValueType;
        this.weights = weights;
        this.pool = pool;
        buffers = new ForwardBuffers(config, maxStepTokens, SharedWidth(weights), logitRows);
        expertTokens = new long[config.NumLocalExperts];
        finalNorm = new AlignedBuffer<float>(weights.FinalNorm);
        inverseFrequencies = Rope.InverseFrequencies(config.RotaryDim, config.RopeTheta);
        vectors = [.. weights.Layers.Select((layer, index) => new LayerVectors(config, layer, index))];
    }

    /// <summary>Shape of the model.</summary>
    public MiniMaxM1Config Config { get; }

    /// <summary>How keys and values are stored.</summary>
    public KeyValueType KeyValueType { get; }

    /// <summary>Largest number of tokens of one step.</summary>
    public int MaxStepTokens => buffers.MaxTokens;

    /// <summary>Rows of logits that one call of <see cref="Logits"/> computes at most.</summary>
    public int LogitRows => buffers.LogitRows;

    /// <summary>Tokens that each expert [E] has worked on since the start, all layers together. May be read while a step runs.</summary>
    public IReadOnlyList<long> ExpertTokens => expertTokens;

    /// <summary>
    /// Bytes of a run to <paramref name="tokens"/> tokens of one sequence: states, key/value pages and activations, without the mapped weights.
    /// </summary>
    public static long RunBytes(MiniMaxM1Config config, long tokens, int maxStepTokens, KeyValueType keyValueType = KeyValueType.F32) =>
        MemoryPlan.Create(config, tokens, keyValueType, maxStepTokens).RunBytes;

    /// <summary>Receives the inputs of every product; null but while an importance matrix is collected.</summary>
    internal ImportanceMatrix? Inputs { get; set; }

    /// <summary>Bytes of the layer states of one sequence of <paramref name="tokens"/> tokens.</summary>
    public long StateBytes(long tokens) =>
        MemoryPlan.Create(Config, tokens, KeyValueType, MaxStepTokens) is var plan ? plan.LightningStates + plan.KeyValues : 0;

    /// <summary>States of a new, empty sequence.</summary>
    public SequenceState CreateState() => new(Config, KeyValueType);

    /// <summary>
    /// Runs one step. Afterwards <see cref="Logits"/> gives the logits of its rows: the tokens of the chunks one after another.
    /// Each sequence occurs once at most.
    /// </summary>
    /// <exception cref="InvalidInputException">A token id lies outside the vocabulary; nothing has run then.</exception>
    /// <exception cref="ArgumentException">No token, or more than <see cref="MaxStepTokens"/>.</exception>
    public void Forward(ReadOnlySpan<SequenceChunk> chunks, ForwardTrace? trace = null)
    {
        var T = CheckTokens(chunks);
        Embed(chunks);
        trace?.Record(trace.HiddenStates, 0, buffers.HiddenStates.Span[..(T * Config.HiddenSize)], Config.HiddenSize);
        for (var layer = 0; layer < Config.NumHiddenLayers; layer++)
        {
            RunLayer(layer, chunks, T, trace);
            trace?.Record(trace.HiddenStates, layer + 1, buffers.HiddenStates.Span[..(T * Config.HiddenSize)], Config.HiddenSize);
        }

        RmsNorm.Normalize(buffers.HiddenStates, finalNorm, Config.RmsNormEps, buffers.Normed, T, pool);
        Inputs?.Add(Config.TieWordEmbeddings ? WeightMap.EmbedTokens : WeightMap.LmHead, buffers.Normed.Span[..(T * Config.HiddenSize)], Config.HiddenSize, 1);
        foreach (var (state, tokens) in chunks)
        {
            state.Position += tokens.Length;
        }

        if (trace is not null)
        {
            trace.Record(trace.FinalNorm, 0, buffers.Normed.Span[..(T * Config.HiddenSize)], Config.HiddenSize);
            trace.Recorded += T;
        }
    }

    /// <summary>Logits f32 [count, V] of rows [row, row + count) of the last step; valid until the next call.</summary>
    public Span<float> Logits(int row, int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, buffers.LogitRows);
        MatMul.Multiply(new MatMulJob(weights.LmHead, buffers.Normed, row * Config.HiddenSize, buffers.Logits, 0, count), pool);
        return buffers.Logits.Span[..(count * Config.VocabSize)];
    }

    /// <summary>Logits f32 [rows, V] of single rows of the last step, in one product; valid until the next call. Not more than <see cref="LogitRows"/>.</summary>
    public Span<float> LogitsOf(ReadOnlySpan<int> rows)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows.Length, buffers.LogitRows);
        var H = Config.HiddenSize;
        for (var i = 0; i < rows.Length; i++)
        {
            buffers.Normed.Span.Slice(rows[i] * H, H).CopyTo(buffers.BlockOutput.Span[(i * H)..]); // Free once the layers have run.
        }

        MatMul.Multiply(new MatMulJob(weights.LmHead, buffers.BlockOutput, 0, buffers.Logits, 0, rows.Length), pool);
        return buffers.Logits.Span[..(rows.Length * Config.VocabSize)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        buffers.Dispose();
        finalNorm.Dispose();
        foreach (var layer in vectors)
        {
            layer.Dispose();
        }
    }

    private static int SharedWidth(MiniMaxM1Weights weights) => weights.Layers.Max(layer => layer.SharedGate.IsEmpty ? 0 : layer.SharedGate.Rows);

    private int CheckTokens(ReadOnlySpan<SequenceChunk> chunks)
    {
        var total = 0;
        foreach (var (state, tokens) in chunks)
        {
            var span = tokens.Span;
            for (var i = 0; i < span.Length; i++)
            {
                if ((uint)span[i] >= (uint)Config.VocabSize)
                {
                    throw new InvalidInputException(
                        $"Token id {span[i]} at position {state.Position + i} is outside the vocabulary 0 … {Config.VocabSize - 1}. Use the tokenizer of this model.");
                }
            }

            total += span.Length;
        }

        return total > 0 && total <= MaxStepTokens
            ? total
            : throw new ArgumentException($"A step takes 1 to {MaxStepTokens} tokens, not {total}.", nameof(chunks));
    }

    private void Embed(ReadOnlySpan<SequenceChunk> chunks)
    {
        var row = 0;
        lightningSlices.Clear();
        foreach (var (state, tokens) in chunks)
        {
            var half = Config.RotaryDim / 2;
            for (var i = 0; i < tokens.Length; i++, row++)
            {
                weights.EmbedTokens.CopyRow(tokens.Span[i], buffers.HiddenStates.Span.Slice(row * Config.HiddenSize, Config.HiddenSize));
                Rope.Angles(state.Position + i, inverseFrequencies, buffers.Cos.Span.Slice(row * half, half), buffers.Sin.Span.Slice(row * half, half));
            }
        }
    }

    /// <summary>Norm weights and slopes of one layer, widened to f32.</summary>
    private sealed class LayerVectors(MiniMaxM1Config config, LayerWeights layer, int index) : IDisposable
    {
        public AlignedBuffer<float> InputLayernorm { get; } = new(layer.InputLayernorm);

        public AlignedBuffer<float> PostAttentionLayernorm { get; } = new(layer.PostAttentionLayernorm);

        public AlignedBuffer<float> AttentionNorm { get; } = new(layer.AttentionNorm);

        public AlignedBuffer<float> Coefficient { get; } = new(layer.Coefficient ?? []);

        public float[] Slopes { get; } = LightningSlopes.ForLayer(index, config.NumHiddenLayers, config.NumAttentionHeads);

        public void Dispose()
        {
            InputLayernorm.Dispose();
            PostAttentionLayernorm.Dispose();
            AttentionNorm.Dispose();
            Coefficient.Dispose();
        }
    }
}
