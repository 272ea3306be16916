using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>How products with BF16 weights read their inputs.</summary>
public enum BFloat16Inputs
{
    /// <summary>As they are, in f32: for comparing numbers.</summary>
    Exact,

    /// <summary>Rounded to bf16 where the CPU multiplies bf16, as bf16 inference does everywhere; about twice as fast in prefill.</summary>
    Rounded,
}

/// <summary>How a model is opened.</summary>
public sealed record ModelOptions
{
    /// <summary>Compute threads; 0 is one per CPU.</summary>
    public int Threads { get; init; }

    /// <summary>Largest number of tokens of one step, so also of one prefill chunk. A multiple of 256 keeps prefill chunks on the block grid.</summary>
    public int MaxStepTokens { get; init; } = 512;

    /// <summary>
    /// How keys and values are stored. F16 halves what decoding reads of the past, with 2^-11 of rounding; F32 is for comparing numbers.
    /// </summary>
    public KeyValueType KeyValueType { get; init; } = KeyValueType.F16;

    /// <summary>How products with BF16 weights read their inputs; the router and the head read them in f32 always.</summary>
    public BFloat16Inputs BFloat16Inputs { get; init; } = BFloat16Inputs.Rounded;

    /// <summary>True: each compute thread stays on one CPU; <see cref="ComputePool.PinnedThreads"/> says how many could be.</summary>
    public bool Pin { get; init; }

    /// <summary>Bytes that states and activations may take; null is what the system has, less the packed weights.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>True: read all weights at start and refuse NaN and infinities.</summary>
    public bool CheckFinite { get; init; }
}

/// <summary>A checkpoint folder or GGUF file opened for running: configuration, mapped weights, threads and model.</summary>
public sealed class LoadedModel : IDisposable
{
    private readonly MiniMaxM1Weights weights;
    private readonly ComputePool pool;

    private LoadedModel(string folder, MiniMaxM1Config config, MiniMaxM1Weights weights, ComputePool pool, ModelOptions options)
    {
        Folder = folder;
        this.weights = weights;
        this.pool = pool;
        Options = options;
        Model = new MiniMaxM1(config, weights, pool, options.MaxStepTokens, keyValueType: options.KeyValueType);
    }

    /// <summary>Folder of the checkpoint, or the GGUF file.</summary>
    public string Folder { get; }

    /// <summary>How it was opened.</summary>
    public ModelOptions Options { get; }

    /// <summary>The model.</summary>
    public MiniMaxM1 Model { get; }

    /// <summary>The weights it runs with, packed.</summary>
    internal MiniMaxM1Weights Weights => weights;

    /// <summary>Its shape.</summary>
    public MiniMaxM1Config Config => Model.Config;

    /// <summary>The threads.</summary>
    public ComputePool Pool => pool;

    /// <summary>
    /// Bytes that decoding one token must move with <paramref name="depth"/> tokens before it: active weights with the head, lightning states read and written,
    /// keys and values read.
    /// </summary>
    public long DecodeBytes(long depth)
    {
        var bytes = weights.LmHead.ByteCount;
        foreach (var layer in weights.Layers)
        {
            bytes += Dense(layer).Sum(static weight => weight.ByteCount);
            bytes += Config.NumExpertsPerTok * (layer.W1[0].ByteCount + layer.W2[0].ByteCount + layer.W3[0].ByteCount);
        }

        var lightning = (long)LightningAttention.StateLength(Config.NumAttentionHeads, Config.HeadDim) * sizeof(float);
        return bytes + (Config.CountLayers(AttentionKind.Lightning) * 2 * lightning) + (KeyValueBytesPerToken * depth);
    }

    /// <summary>Bytes of keys and values that decoding reads for each token before it.</summary>
    public long KeyValueBytesPerToken =>
        Config.CountLayers(AttentionKind.Softmax) * Options.KeyValueType.BytesPerToken(Config.NumKeyValueHeads, Config.HeadDim);

    /// <summary>The memory of a run to <paramref name="tokens"/> tokens, with keys and values stored as <paramref name="keyValueType"/> or as the model was opened.</summary>
    public MemoryPlan Plan(long tokens, KeyValueType? keyValueType = null) =>
        MemoryPlan.Create(Config, tokens, keyValueType ?? Options.KeyValueType, Options.MaxStepTokens) with
        {
            MappedWeights = Matrices().Where(static weight => !weight.IsPacked).Sum(static weight => weight.ByteCount),
            PackedWeights = PackedBytes,
        };

    /// <summary>Bytes that states and activations of all sequences may take.</summary>
    public long MemoryForRuns => AvailableBytes(Options, PackedBytes);

    /// <summary>Opens the checkpoint in <paramref name="folder"/>, or a .gguf file. Weights are mapped, not read.</summary>
    /// <exception cref="InvalidInputException">A file is missing, damaged or of another model, or the memory does not suffice.</exception>
    public static LoadedModel Open(string folder, ModelOptions? options = null)
    {
        options ??= new ModelOptions();
        var config = MiniMaxM1Config.Load(folder);
        CheckMemory(config, options, tokens: 1, available: AvailableBytes(options, packedBytes: 0));
        var weights = MiniMaxM1Weights.Load(folder, config, options.CheckFinite);
        var pool = new ComputePool(options.Threads, options.Pin);
        try
        {
            return new LoadedModel(folder, config, PackedWeights.Pack(weights, pool, options.BFloat16Inputs), pool, options);
        }
        catch
        {
            pool.Dispose();
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Refuses a sequence of <paramref name="tokens"/> tokens that the memory cannot hold, before anything runs.</summary>
    /// <exception cref="InvalidInputException">Names the bytes that are needed and those that there are.</exception>
    public void CheckMemory(long tokens) => CheckMemory(Config, Options, tokens, MemoryForRuns);

    /// <summary>Bytes that the states of all sequences may take together, without the activations.</summary>
    public long StateCapacity => MemoryForRuns - (MiniMaxM1.RunBytes(Config, 0, Options.MaxStepTokens, Options.KeyValueType) - Model.StateBytes(0));

    /// <summary>Length of the longest sequence that the memory holds.</summary>
    public long TokensThatFit()
    {
        var available = MemoryForRuns;
        long low = 1, high = Math.Max(1, Config.MaxPositionEmbeddings);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = MiniMaxM1.RunBytes(Config, middle, Options.MaxStepTokens, Options.KeyValueType) <= available ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        pool.Dispose();
        weights.Dispose();
    }

    private static Weight[] Dense(LayerWeights layer) =>
    [
        layer.QkvProj, layer.OutputGate, layer.OutProj, layer.QProj, layer.KProj, layer.VProj, layer.OProj, layer.Router,
        layer.SharedGate, layer.SharedUp, layer.SharedDown,
    ];

    private IEnumerable<Weight> Matrices()
    {
        var matrices = weights.Layers.SelectMany(static layer => Dense(layer).Concat(layer.W1).Concat(layer.W2).Concat(layer.W3)).Append(weights.EmbedTokens);
        return Config.TieWordEmbeddings && !weights.LmHead.IsPacked ? matrices : matrices.Append(weights.LmHead);
    }

    private long PackedBytes => Matrices().Where(static weight => weight.IsPacked).Sum(static weight => weight.ByteCount);

    private static long AvailableBytes(ModelOptions options, long packedBytes) =>
        options.MemoryLimit ?? (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - packedBytes);

    private static void CheckMemory(MiniMaxM1Config config, ModelOptions options, long tokens, long available)
    {
        var plan = MemoryPlan.Create(config, tokens, options.KeyValueType, options.MaxStepTokens);
        if (plan.RunBytes > available)
        {
            throw new InvalidInputException(
                $"A sequence of {tokens:N0} tokens needs {plan.RunBytes:N0} bytes: lightning states {plan.LightningStates:N0}, keys and values in {plan.KeyValueType} "
                + $"{plan.KeyValues:N0}, activations {plan.Activations:N0}. Only {available:N0} bytes may be used. "
                + "Shorten the prompt or the answer, store keys and values in fewer bits, lower the step size, or use a machine with more memory.");
        }
    }
}
