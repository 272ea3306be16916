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
    private readonly MiniMaxM1Config config;
    private readonly RolloutOptions options;
    private readonly MemoryWeights weights;
    private readonly ComputePool[] pools;
    private MiniMaxM1[] models = [];

    /// <summary>An engine without weights; <see cref="Load"/> gives it some.</summary>
    public RolloutEngine(MiniMaxM1Config config, RolloutOptions options)
    {
        (this.config, this.options) = (config, options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRunning, 1);
        weights = new MemoryWeights(config);
        pools = [.. Enumerable.Range(0, options.Threads > 0 ? options.Threads : Environment.ProcessorCount).Select(static _ => new ComputePool(1))];
    }

    /// <summary>Number of optimiser steps behind the weights.</summary>
    public long PolicyVersion { get; private set; }

    /// <summary>Takes the weights of the module as they are now. Not while <see cref="Generate"/> runs.</summary>
    public void Load(MiniMaxM1Module module, long policyVersion)
    {
        using var noGradients = TorchSharp.torch.no_grad();
        foreach (var parameter in module.Parameters)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            weights.Write(parameter.Name, module.Effective(parameter.Name).Values());
        }

        DisposeModels();
        models = [.. pools.Select(pool => new MiniMaxM1(config, weights.Open(), pool, options.MaxRunning + Grid, options.MaxRunning, options.KeyValueType))];
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
        var workers = models.Select(model => new RolloutWorker(model, options, requests, answers, sampling, maxTokens, PolicyVersion, Take)).ToArray();
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

    private void DisposeModels()
    {
        foreach (var model in models)
        {
            model.Dispose();
        }
    }

    private void Check(IReadOnlyList<RolloutRequest> requests, int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        foreach (var request in requests)
        {
            if (request.Prompt.Length == 0 || request.Prompt.Length + (long)maxTokens > config.MaxPositionEmbeddings)
            {
                throw new InvalidInputException(
                    $"A prompt of {request.Prompt.Length:N0} tokens with answers of up to {maxTokens:N0} does not fit: a prompt has at least one token, and the model takes "
                    + $"{config.MaxPositionEmbeddings:N0} in all (max_position_embeddings). Shorten the prompts or the answers.");
            }
        }
    }
}
