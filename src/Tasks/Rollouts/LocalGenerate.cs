using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>An engine of this process as a source of answers for training.</summary>
public static class LocalGenerate
{
    /// <summary>
    /// Answers of <paramref name="engine"/>. Other than those of <see cref="InferenceEngine.Generate"/>, their tokens hold the one that ended the
    /// turn, with its log-probability: training needs it.
    /// </summary>
    public static Generate Of(InferenceEngine engine) => async (prompt, sampling, cancellationToken) =>
    {
        // The engine gives no log-probability of a token that ends the turn, so it is told to go on and stopped at that token.
        using var running = engine.Submit(new GenerationRequest { Prompt = prompt, Sampling = sampling with { IgnoreEos = true, LogProbs = true } });
        var (ids, logProbs, reason) = (new List<int>(), new List<double>(), FinishReason.Cancelled);
        var text = new System.Text.StringBuilder();
        await foreach (var (_, token, finishReason) in running.Events(cancellationToken).ConfigureAwait(false))
        {
            text.Append(token.Text);
            reason = finishReason ?? reason;
            if (token.Id < 0)
            {
                continue;
            }

            ids.Add(token.Id);
            logProbs.Add(token.LogProb!.Value);
            if (!sampling.IgnoreEos && ids.Count > sampling.MinTokens && engine.EndIds.Contains(token.Id))
            {
                // The text from the ids: the engine may hold some back for a stop string that did not come.
                return new Completion(ids, logProbs, engine.Tokenizer.Decode([.. ids], skipSpecial: true), FinishReason.Stop, running.CachedTokens);
            }
        }

        return new Completion(ids, logProbs, text.ToString(), reason, running.CachedTokens);
    };
}
