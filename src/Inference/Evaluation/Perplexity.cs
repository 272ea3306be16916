using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>What a model makes of a text, and how far another model is from it. Natural logarithms.</summary>
/// <param name="Tokens">Scored tokens.</param>
/// <param name="MeanNll">Mean of −log p(token | what stands before it in its window).</param>
/// <param name="StandardError">Standard error of that mean.</param>
/// <param name="Divergence">Comparison with a reference model; null without one.</param>
public sealed record PerplexityResult(long Tokens, double MeanNll, double StandardError, Divergence? Divergence)
{
    /// <summary>e^(mean NLL).</summary>
    public double Perplexity => Math.Exp(MeanNll);
}

/// <summary>How far a model's distribution is from a reference model's, over the scored tokens.</summary>
/// <param name="ReferenceMeanNll">Mean NLL of the reference.</param>
/// <param name="MeanKl">Mean of KL(reference ‖ model) = Σ p_ref (log p_ref − log p), in nats.</param>
/// <param name="MaxKl">Largest KL of one position.</param>
/// <param name="MeanAbsoluteDeltaLogProb">Mean |Δ log p| of the text's own tokens.</param>
/// <param name="TopAgreement">Share of positions at which both like the same token best.</param>
public sealed record Divergence(double ReferenceMeanNll, double MeanKl, double MaxKl, double MeanAbsoluteDeltaLogProb, double TopAgreement);

/// <summary>
/// Scores token ids in windows that start from an empty state. Every token but the first of each window is scored;
/// llama.cpp scores only the second half of a window, so compare like with like.
/// </summary>
public sealed class PerplexityMeter(MiniMaxM1 model, MiniMaxM1? reference, int window)
{
    private double nllSum;
    private double nllSquares;
    private double referenceNllSum;
    private double klSum;
    private double klMax;
    private double deltaSum;
    private long agreements;
    private long count;

    /// <summary>Scores <paramref name="ids"/>.</summary>
    /// <exception cref="InvalidInputException">Fewer than two ids, ids outside a vocabulary, or vocabularies of different sizes.</exception>
    public PerplexityResult Measure(ReadOnlyMemory<int> ids, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        if (ids.Length < 2)
        {
            throw new InvalidInputException($"The text has {ids.Length} tokens; at least 2 are needed to score one.");
        }

        if (reference is not null && reference.Config.VocabSize != model.Config.VocabSize)
        {
            throw new InvalidInputException(
                $"The models have {model.Config.VocabSize:N0} and {reference.Config.VocabSize:N0} token ids and cannot be compared. Use two versions of one model.");
        }

        for (var start = 0; start < ids.Length - 1; start += window)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Score(ids.Slice(start, Math.Min(window, ids.Length - start)));
            progress?.Report(Math.Min(start + window, ids.Length));
        }

        var mean = nllSum / count;
        var variance = Math.Max(0, (nllSquares / count) - (mean * mean));
        return new PerplexityResult(
            count,
            mean,
            Math.Sqrt(variance / count),
            reference is null ? null : new Divergence(referenceNllSum / count, klSum / count, klMax, deltaSum / count, (double)agreements / count));
    }

    private void Score(ReadOnlyMemory<int> ids)
    {
        using var state = model.CreateState();
        using var referenceState = reference?.CreateState();
        var step = Math.Min(model.MaxStepTokens, reference?.MaxStepTokens ?? int.MaxValue);
        for (var start = 0; start < ids.Length; start += step)
        {
            var tokens = ids.Slice(start, Math.Min(step, ids.Length - start));
            model.Forward([new SequenceChunk(state, tokens)]);
            reference?.Forward([new SequenceChunk(referenceState!, tokens)]);
            for (var row = 0; row < tokens.Length && start + row + 1 < ids.Length; row++)
            {
                var next = ids.Span[start + row + 1];
                var logits = model.Logits(row);
                var norm = LogSoftmax.LogSumExp(logits);
                Add(norm - logits[next]);
                if (reference is not null)
                {
                    Compare(logits, reference.Logits(row), next, norm);
                }
            }
        }
    }

    private void Add(double nll)
    {
        nllSum += nll;
        nllSquares += nll * nll;
        count++;
    }

    private void Compare(ReadOnlySpan<float> logits, ReadOnlySpan<float> referenceLogits, int next, double norm)
    {
        var referenceNorm = LogSoftmax.LogSumExp(referenceLogits);
        var kl = 0.0;
        var (best, referenceBest) = (0, 0);
        for (var i = 0; i < logits.Length; i++)
        {
            var log = referenceLogits[i] - referenceNorm;
            kl += Math.Exp(log) * (log - (logits[i] - norm));
            best = logits[i] > logits[best] ? i : best;
            referenceBest = referenceLogits[i] > referenceLogits[referenceBest] ? i : referenceBest;
        }

        var referenceLogProb = referenceLogits[next] - referenceNorm;
        referenceNllSum -= referenceLogProb;
        klSum += Math.Max(0, kl); // Rounding can make it −1e-9 where both agree.
        klMax = Math.Max(klMax, kl);
        deltaSum += Math.Abs(logits[next] - norm - referenceLogProb);
        agreements += best == referenceBest ? 1 : 0;
    }
}
