using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The rules of one answer, token by token: draw or force the next token, give its text out, and say when the answer ends
/// (end of turn, stop id, stop string, repetition, limit).
/// </summary>
internal sealed class AnswerRules
{
    private readonly SamplingParams sampling;
    private readonly Sampler sampler;
    private readonly IReadOnlyList<int> endIds;
    private readonly int maxTokens;
    private readonly StreamingDetokenizer detokenizer;
    private readonly StopTextMatcher stopText;
    private readonly RepetitionStop repetition;
    private readonly ThinkingBudget thinking;
    private readonly ChatStreamParser parser;
    private readonly List<ChatDelta> ignoredDeltas = [];
    private readonly StringBuilder released = new();
    private readonly GrammarConstraint? constraint;

    /// <summary>Rules for an answer of at most <paramref name="maxTokens"/> tokens.</summary>
    public AnswerRules(InferenceEngine engine, SamplingParams sampling, Sampler sampler, int maxTokens, bool startsInReasoning, GrammarConstraint? constraint = null)
    {
        this.sampling = sampling;
        this.sampler = sampler;
        this.maxTokens = maxTokens;
        this.constraint = constraint;
        endIds = engine.EndIds;
        detokenizer = engine.Tokenizer.CreateDetokenizer(skipSpecial: true);
        stopText = new StopTextMatcher(sampling.Stop);
        repetition = new RepetitionStop(sampling.RepetitionStopCount, sampling.RepetitionStopProbability);
        thinking = new ThinkingBudget(sampling.ThinkingBudget, engine.ClosingIds);
        parser = new ChatStreamParser(startsInReasoning);
        FinishReason = maxTokens > 0 ? null : Inference.FinishReason.Length;
    }

    /// <summary>Tokens so far, with the one that ended the turn.</summary>
    public int GeneratedTokens => sampler.GeneratedCount;

    /// <summary>Tokens of thinking, without forced ones.</summary>
    public int ReasoningTokens => thinking.Used;

    /// <summary>True while the model is thinking: the next token is a token of thinking.</summary>
    public bool InReasoning => parser.InReasoning;

    /// <summary>The seed of the draws.</summary>
    public ulong Seed => sampler.Seed;

    /// <summary>Why the answer ended; null while it goes on.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>The next token from logits [V]. <paramref name="id"/> is what the model has to run next, also where the answer has no token of it.</summary>
    /// <exception cref="InvalidOperationException">The logits are broken, or no token is allowed.</exception>
    public GeneratedToken Next(Span<float> logits, out int id)
    {
        var token = thinking.TryForce(parser.InReasoning, out var forced)
            ? sampler.Accept(forced, logits)
            : sampler.Sample(logits, constraint is null ? default : constraint.NextMask());
        constraint?.Accept(token.Id);
        id = token.Id;
        if (IsEnd(token.Id))
        {
            FinishReason = Inference.FinishReason.Stop;
            return new GeneratedToken(-1, string.Empty, null, null);
        }

        var piece = detokenizer.Push(token.Id);
        parser.Push(piece, ignoredDeltas);
        ignoredDeltas.Clear();
        if (stopText.Push(piece, released) || constraint is { IsFinished: true })
        {
            FinishReason = Inference.FinishReason.Stop;
        }
        else if (token.LogProb is { } logProb && repetition.Add(logProb))
        {
            FinishReason = Inference.FinishReason.Repetition;
        }
        else if (GeneratedTokens >= maxTokens)
        {
            FinishReason = Inference.FinishReason.Length;
        }

        return new GeneratedToken(token.Id, TakeReleased(), sampling.LogProbs ? token.LogProb : null, token.TopLogProbs);
    }

    /// <summary>The answer has ended: text that was held back.</summary>
    public string Flush()
    {
        if (stopText.Matched is null)
        {
            stopText.Push(detokenizer.Flush(), released);
            stopText.Finish(released);
        }

        return TakeReleased();
    }

    private bool IsEnd(int id) =>
        GeneratedTokens > sampling.MinTokens && (sampling.StopTokenIds.Contains(id) || (!sampling.IgnoreEos && endIds.Contains(id)));

    private string TakeReleased()
    {
        var text = released.ToString();
        released.Clear();
        return text;
    }
}
