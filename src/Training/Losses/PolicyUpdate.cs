using MiniMaxSharp.Inference;
using static TorchSharp.torch;

namespace MiniMaxSharp.Training;

/// <summary>
/// Gradients of a policy objective over the answers of one optimiser batch. The batch runs in micro-batches of packed answers; normalisers are
/// those of the whole batch, so neither the split nor the packing changes the gradient.
/// </summary>
/// <param name="module">The policy.</param>
/// <param name="objective">The loss.</param>
/// <param name="microBatchTokens">Most tokens of a micro-batch; a longer answer runs alone.</param>
public sealed class PolicyUpdate(MiniMaxM1Module module, PolicyObjective objective, int microBatchTokens)
{
    /// <summary>Adds the gradients of the batch to those of the module's parameters.</summary>
    /// <param name="batch">The answers.</param>
    /// <param name="statistics">Counts ratios and clipped tokens.</param>
    /// <param name="newLogprobs">Receives the trainer's log-probabilities [T] of each answer; null where nobody asks.</param>
    /// <returns>The loss.</returns>
    public double Backward(IReadOnlyList<PolicySample> batch, PolicyStatistics statistics, Action<int, float[]>? newLogprobs = null)
    {
        var factors = objective.Aggregation.Factors(batch);
        var loss = 0.0;
        foreach (var (first, count) in MicroBatches(batch))
        {
            using var scope = NewDisposeScope();
            var samples = Enumerable.Range(first, count).Select(i => batch[i]).ToArray();
            var (documents, logprobs) = Forward(samples);
            var values = logprobs.detach().Values();
            var weights = new float[documents.Count];
            for (var i = 0; i < count; i++)
            {
                var (sample, start) = (samples[i], documents.Boundaries[i] + samples[i].PromptLength - 1);
                var answer = values.Slice(start, sample.Length);
                newLogprobs?.Invoke(first + i, answer.ToArray());
                Weigh(sample, answer, factors[first + i], weights.AsSpan(start, sample.Length), statistics);
            }

            var part = -(weights.ToTensor(weights.Length) * logprobs).sum();
            part.backward();
            loss += part.item<float>();
        }

        return loss;
    }

    /// <summary>The trainer's log-probabilities [T] of each answer, without gradients.</summary>
    public float[][] Logprobs(IReadOnlyList<PolicySample> batch)
    {
        var result = new float[batch.Count][];
        using var noGradients = no_grad();
        foreach (var (first, count) in MicroBatches(batch))
        {
            using var scope = NewDisposeScope();
            var samples = Enumerable.Range(first, count).Select(i => batch[i]).ToArray();
            var (documents, logprobs) = Forward(samples);
            var values = logprobs.Values();
            for (var i = 0; i < count; i++)
            {
                result[first + i] = values.Slice(documents.Boundaries[i] + samples[i].PromptLength - 1, samples[i].Length).ToArray();
            }
        }

        return result;
    }

    private void Weigh(PolicySample sample, ReadOnlySpan<float> logprobs, double factor, Span<float> weights, PolicyStatistics statistics)
    {
        var values = new double[sample.Length];
        PolicyKernel.AnswerWeights(
            logprobs, sample.OldLogprobs, sample.LossMask, sample.Advantage, objective.Bounds, objective.SequenceRatio, values, statistics);
        for (var t = 0; t < values.Length; t++)
        {
            var correction = objective.TruncatedIsMax is { } cap && sample.RolloutLogprobs is { } drawn
                ? Math.Min(cap, Math.Exp((double)sample.OldLogprobs[t] - drawn[t]))
                : 1;
            weights[t] = (float)(values[t] * factor * correction);
        }
    }

    /// <summary>The row before a token predicts it; rows that predict no token of the policy have no target.</summary>
    private (PackedDocuments Documents, Tensor Logprobs) Forward(PolicySample[] samples)
    {
        var documents = PackedDocuments.Of([.. samples.Select(static sample => sample.Tokens)]);
        var targets = new int[documents.Count];
        Array.Fill(targets, -1);
        for (var i = 0; i < samples.Length; i++)
        {
            var (sample, start) = (samples[i], documents.Boundaries[i] + samples[i].PromptLength);
            for (var t = 0; t < sample.Length; t++)
            {
                targets[start + t - 1] = sample.LossMask is null || sample.LossMask[t] != 0 ? documents.Ids[start + t] : -1;
            }
        }

        documents.Routes = Routes(samples, documents, module.Config);
        return (documents, module.TokenLogprobs(module.Forward(documents).Hidden, targets));
    }

    /// <summary>The recorded experts in the order of the packed tokens; −1 where there is none.</summary>
    internal static int[][]? Routes(PolicySample[] samples, PackedDocuments documents, MiniMaxM1Config config)
    {
        if (!samples.Any(static sample => sample.Routes is not null))
        {
            return null;
        }

        var (L, K) = (config.NumHiddenLayers, config.NumExpertsPerTok);
        var routes = Enumerable.Range(0, L).Select(_ => new int[documents.Count * K]).ToArray();
        Array.ForEach(routes, static layer => Array.Fill(layer, -1));
        for (var i = 0; i < samples.Length; i++)
        {
            var recorded = samples[i].Routes ?? [];
            for (var j = 0; j < recorded.Length; j++)
            {
                routes[j / K % L][((documents.Boundaries[i] + (j / (L * K))) * K) + (j % K)] = recorded[j];
            }
        }

        return routes;
    }

    private IEnumerable<(int First, int Count)> MicroBatches(IReadOnlyList<PolicySample> batch)
    {
        for (var first = 0; first < batch.Count;)
        {
            var (count, tokens) = (1, batch[first].Tokens.Length);
            while (first + count < batch.Count && tokens + batch[first + count].Tokens.Length <= microBatchTokens)
            {
                tokens += batch[first + count++].Tokens.Length;
            }

            yield return (first, count);
            first += count;
        }
    }
}
