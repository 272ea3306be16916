namespace MiniMaxSharp.Inference;

/// <summary>How likely the model held a token of the prompt, after the tokens before it.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProb">Its log-probability in the model's raw distribution.</param>
/// <param name="Rank">Its place among all tokens; 1 is the likeliest.</param>
/// <param name="TopLogProbs">The likeliest tokens at its place, best first.</param>
public readonly record struct PromptLogProb(int Id, double LogProb, int Rank, IReadOnlyList<TokenLogProb> TopLogProbs);

/// <summary>Collects the log-probabilities of one prompt while it runs. A part that runs again is not counted again.</summary>
internal sealed class PromptScores
{
    private readonly ReadOnlyMemory<int> prompt;
    private readonly Sampler sampler;
    private readonly int usableVocabulary;
    private readonly List<PromptLogProb> scores;

    /// <summary>For <paramref name="prompt"/>, with this many alternatives at each place.</summary>
    public PromptScores(ReadOnlyMemory<int> prompt, int alternatives, int vocabularySize, int usableVocabulary)
    {
        this.prompt = prompt;
        this.usableVocabulary = usableVocabulary;
        sampler = new Sampler(new SamplingParams { LogProbs = true, TopLogProbs = alternatives }, vocabularySize, usableVocabulary, prompt.Span);
        scores = new List<PromptLogProb>(prompt.Length - 1);
    }

    /// <summary>Log-probabilities so far; entry i is that of token i + 1, for nothing stands before the first.</summary>
    public IReadOnlyList<PromptLogProb> Scores => scores;

    /// <summary>Position of the token behind which logits are wanted next.</summary>
    public int NextRow => scores.Count;

    /// <summary>True when no more logits are wanted.</summary>
    public bool IsComplete => scores.Count == prompt.Length - 1;

    /// <summary>Takes logits [V] behind token <see cref="NextRow"/>.</summary>
    /// <exception cref="InvalidOperationException">The logits hold NaN or +infinity.</exception>
    public void Add(ReadOnlySpan<float> logits)
    {
        var id = prompt.Span[scores.Count + 1];
        var token = sampler.Accept(id, logits);
        var (own, rank) = (logits[id], 1);
        foreach (var logit in logits[..usableVocabulary])
        {
            rank += logit > own ? 1 : 0;
        }

        scores.Add(new PromptLogProb(id, token.LogProb!.Value, rank, token.TopLogProbs ?? []));
    }
}
