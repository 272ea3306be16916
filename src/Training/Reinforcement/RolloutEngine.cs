using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Training;

/// <summary>
/// Draws answers of a policy that is being trained, in the process of the trainer: weights come from the module's memory, the answers of a prompt
/// share its prefill, and each worker decodes many answers in common steps. What is drawn depends on weights, prompt and seed alone, not on the
/// company in a step nor on the number of workers.
/// </summary>
public sealed class RolloutEngine : IDisposable
{
    private const int Grid = LightningAttention.BlockTokens;
    private const int UsualTokens = 64; // Of a sequence, for the size of its states.
    private const int RowTile = 6; // Products take the rows of a step by six.
    private const int LeastRunning = 3 * RowTile;
    private const int MostRunning = 21 * RowTile;
    private readonly MiniMaxM1Config config;
    private readonly RolloutOptions options;
    private readonly MemoryWeights weights;
    private readonly ComputePool[] pools;
    private MiniMaxM1[] models = [];
    private MiniMaxM1Weights? packed; // Quantised roll-outs; they own the memory behind them.

    /// <summary>An engine without weights; <see cref="Load"/> gives it some.</summary>
    public RolloutEngine(MiniMaxM1Config config, RolloutOptions options)
    {
        (this.config, this.options) = (config, options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxRunning);
        if (options.RecordRoutes && config.NumLocalExperts > byte.MaxValue + 1)
        {
            throw new InvalidInputException($"Routes are recorded for up to 256 experts; the model has {config.NumLocalExperts}. Train it without router replay.");
        }

        Running = options.MaxRunning > 0 ? options.MaxRunning : RunningFor(config);
        weights = new MemoryWeights(config);
        pools = [.. Enumerable.Range(0, options.Threads > 0 ? options.Threads : Environment.ProcessorCount).Select(static _ => new ComputePool(1))];
    }

    /// <summary>Number of optimiser steps behind the weights.</summary>
    public long PolicyVersion { get; private set; }

    /// <summary>Answers that one worker decodes side by side.</summary>
    public int Running { get; }

    /// <summary>Takes the weights of the module as they are now. Not while <see cref="Generate"/> runs.</summary>
    public void Load(MiniMaxM1Module module, long policyVersion)
    {
        using var noGradients = TorchSharp.torch.no_grad();
        DisposeModels();
        var memory = options.Weights == RolloutWeights.F32 ? weights : new MemoryWeights(config, TypeOf);
        foreach (var parameter in module.Parameters)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var values = module.Effective(parameter.Name).Values();
            if (options.Head == HeadPrecision.Bf16 && IsHead(parameter.Role))
            {
                values = values.ToArray();
                BFloat16Bits.Round(values);
            }

            memory.Write(parameter.Name, values);
        }

        packed = memory == weights ? null : memory.OpenPacked(pools[0]);
        models = [.. pools.Select(pool => new MiniMaxM1(config, packed ?? weights.Open(), pool, Running + Grid, Running, options.KeyValueType))];
        PolicyVersion = policyVersion;
    }

    /// <summary>Draws all answers.</summary>
    /// <param name="requests">Prompts with their seeds.</param>
    /// <param name="maxTokens">Most tokens of an answer.</param>
    /// <param name="temperature">1 for training; below 1e-5 the most likely token is taken.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <returns>The answers of each request in the order of its seeds.</returns>
    /// <exception cref="InvalidInputException">A prompt is empty or does not fit.</exception>
    public RolloutAnswer[][] Generate(IReadOnlyList<RolloutRequest> requests, int maxTokens, double temperature = 1, CancellationToken cancellationToken = default)
    {
        Check(requests, maxTokens);
        if (models.Length == 0)
        {
            throw new InvalidOperationException("The engine has no weights yet; call Load first.");
        }

        var answers = requests.Select(static request => new RolloutAnswer[request.Seeds.Length]).ToArray();
        var sampling = new SamplingParams { Temperature = temperature, TopP = 1, LogProbs = true };
        var next = -1;
        int? Take() => Interlocked.Increment(ref next) is var taken && taken < requests.Count ? taken : null;
        var workers = models.Select(model => new RolloutWorker(model, options with { MaxRunning = Running }, requests, answers, sampling, maxTokens, PolicyVersion, Take)).ToArray();
        Task.WhenAll(workers.Select(worker => Task.Run(() => worker.Run(cancellationToken), cancellationToken))).GetAwaiter().GetResult();
        return answers;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DisposeModels();
        weights.Dispose();
        foreach (var pool in pools)
        {
            pool.Dispose();
        }
    }

    private static int RunningFor(MiniMaxM1Config config)
    {
        var cost = new ModelCost(config);
        var balanced = cost.ParameterCount * sizeof(float) / (cost.LightningStateBytes() + cost.KeyValueBytes(UsualTokens, sizeof(float)));
        return (int)Int128.Clamp(balanced, LeastRunning, MostRunning) / RowTile * RowTile;
    }

    private bool IsHead(TensorRole role) => role == TensorRole.Head || (config.TieWordEmbeddings && role == TensorRole.Embedding);

    private static DType TypeOf(ManifestTensor tensor) =>
        tensor.Role is TensorRole.Norm or TensorRole.Embedding or TensorRole.Head or TensorRole.Router || tensor.Shape[^1] % DType.Q8_0.BlockElements() != 0
            ? DType.F32
            : DType.Q8_0;

    private void DisposeModels()
    {
        foreach (var model in models)
        {
            model.Dispose();
        }

        packed?.Dispose();
        (models, packed) = ([], null);
    }

    private void Check(IReadOnlyList<RolloutRequest> requests, int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        foreach (var request in requests)
        {
            if (request.Prompt.Length == 0 || request.Prompt.Length + (long)(request.MaxTokens ?? maxTokens) > config.MaxPositionEmbeddings)
            {
                throw new InvalidInputException(
                    $"A prompt of {request.Prompt.Length:N0} tokens with answers of up to {request.MaxTokens ?? maxTokens:N0} does not fit: a prompt has at least one token, and the model takes "
                    + $"{config.MaxPositionEmbeddings:N0} in all (max_position_embeddings). Shorten the prompts or the answers.");
            }
        }
    }
}
