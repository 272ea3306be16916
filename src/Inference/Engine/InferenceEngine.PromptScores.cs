namespace MiniMaxSharp.Inference;

/// <content>Log-probabilities of prompts.</content>
public sealed partial class InferenceEngine
{
    /// <summary>What collects the log-probabilities of a prompt; null when the request does not ask for them.</summary>
    private PromptScores? ScoresOf(GenerationRequest request) => request.PromptLogProbs switch
    {
        null => null,
        < 0 or > SamplingParams.MaxTopLogProbs => throw new InvalidInputException(
            $"prompt_logprobs is {request.PromptLogProbs}; it must be from 0 to {SamplingParams.MaxTopLogProbs}."),
        { } alternatives => new PromptScores(request.Prompt, alternatives, Loaded.Config.VocabSize, UsableVocabulary),
    };

    /// <summary>Scores the prompt tokens that follow the rows of this step, for the requests that ask for it.</summary>
    private void ScorePrompts()
    {
        for (var i = 0; i < batch.Answers.Count; i++)
        {
            var answer = batch.Answers[i];
            if (answer.Running is not { IsComplete: false, PromptScores: { IsComplete: false } scores })
            {
                continue;
            }

            try
            {
                var end = Math.Min(answer.Position, answer.PromptLength - 1);
                while (scores.NextRow < end)
                {
                    Score(scores, batch.LastRows[i] - (answer.Position - 1 - scores.NextRow), end - scores.NextRow);
                }
            }
            catch (Exception failure)
            {
                Fail([answer], failure);
            }
        }
    }

    /// <summary>Scores at most <paramref name="count"/> tokens, those behind <paramref name="row"/> and its followers.</summary>
    private void Score(PromptScores scores, int row, int count)
    {
        var V = Loaded.Config.VocabSize;
        count = Math.Min(count, Loaded.Model.LogitRows);
        var logits = Loaded.Model.Logits(row, count);
        for (var i = 0; i < count; i++)
        {
            scores.Add(logits.Slice(i * V, V));
        }
    }
}
