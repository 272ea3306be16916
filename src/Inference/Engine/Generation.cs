using System.Diagnostics;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>One token of a generation.</summary>
/// <param name="Id">Its id; −1 for a last piece of text that was held back and belongs to earlier tokens.</param>
/// <param name="Text">Text that became certain with it; empty while a character or a possible stop string is incomplete.</param>
/// <param name="LogProb">Log-probability in the model's raw distribution, when asked for.</param>
/// <param name="TopLogProbs">The most likely ids, when asked for.</param>
public readonly record struct GeneratedToken(int Id, string Text, double? LogProb, IReadOnlyList<TokenLogProb>? TopLogProbs);

/// <summary>One answer in the making: prefill, then sample and decode until something ends it.</summary>
public sealed class Generation
{
    private readonly InferenceEngine engine;
    private readonly Sequence sequence;
    private readonly ReadOnlyMemory<int> prompt;
    private readonly SamplingParams sampling;
    private readonly Sampler sampler;
    private readonly int maxTokens;
    private readonly StreamingDetokenizer detokenizer;
    private readonly StopTextMatcher stopText;
    private readonly RepetitionStop repetition;
    private readonly ThinkingBudget thinking;
    private readonly ChatStreamParser parser;
    private readonly List<ChatDelta> ignoredDeltas = [];
    private readonly StringBuilder released = new();
    private readonly GrammarConstraint? constraint;

    internal Generation(
        InferenceEngine engine, Sequence sequence, ReadOnlyMemory<int> prompt, SamplingParams sampling, Sampler sampler, int maxTokens, bool startsInReasoning,
        GrammarConstraint? constraint = null)
    {
        this.engine = engine;
        this.sequence = sequence;
        this.prompt = prompt;
        this.sampling = sampling;
        this.sampler = sampler;
        this.maxTokens = maxTokens;
        detokenizer = engine.Tokenizer.CreateDetokenizer(skipSpecial: true);
        stopText = new StopTextMatcher(sampling.Stop);
        repetition = new RepetitionStop(sampling.RepetitionStopCount, sampling.RepetitionStopProbability);
        thinking = new ThinkingBudget(sampling.ThinkingBudget, engine.ClosingIds);
        parser = new ChatStreamParser(startsInReasoning);
        this.constraint = constraint;
    }

    /// <summary>Prompt tokens.</summary>
    public int PromptTokens => prompt.Length;

    /// <summary>Prompt tokens that did not run again.</summary>
    public int NumCachedTokens { get; private set; }

    /// <summary>Tokens generated so far, with the one that ended the turn.</summary>
    public int GeneratedTokens => sampler.GeneratedCount;

    /// <summary>Tokens of thinking, counted when there is a thinking budget.</summary>
    public int ReasoningTokens => thinking.Used;

    /// <summary>The seed of the draws.</summary>
    public ulong Seed => sampler.Seed;

    /// <summary>Why it ended; null while it runs.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>Time of the prefill.</summary>
    public TimeSpan PrefillTime { get; private set; }

    /// <summary>Time from the end of the prefill to the last token.</summary>
    public TimeSpan DecodeTime { get; private set; }

    /// <summary>Runs the generation; to be enumerated once.</summary>
    /// <param name="cancellationToken">Ends it before the next step.</param>
    /// <param name="prefillProgress">Told the prompt tokens that are done, after each step.</param>
    /// <exception cref="OperationCanceledException">The caller gave up; what was yielded stands, and the sequence can go on.</exception>
    public IEnumerable<GeneratedToken> Tokens(CancellationToken cancellationToken = default, IProgress<long>? prefillProgress = null)
    {
        var clock = Stopwatch.StartNew();
        var row = Prefill(prefillProgress, cancellationToken);
        PrefillTime = clock.Elapsed;
        FinishReason = maxTokens > 0 ? null : Inference.FinishReason.Length;
        while (FinishReason is null)
        {
            var logits = engine.Loaded.Model.Logits(row);
            var token = thinking.TryForce(parser.InReasoning, out var forced)
                ? sampler.Accept(forced, logits)
                : sampler.Sample(logits, constraint is null ? default : constraint.NextMask());
            constraint?.Accept(token.Id);
            var generated = Take(token);
            DecodeTime = clock.Elapsed - PrefillTime;
            if (generated.Id >= 0 || generated.Text.Length > 0)
            {
                yield return generated;
            }

            if (FinishReason is null)
            {
                cancellationToken.ThrowIfCancellationRequested();
                sequence.Append(new[] { token.Id });
                row = 0;
            }
        }

        if (Flush() is { Length: > 0 } rest)
        {
            yield return new GeneratedToken(-1, rest, null, null);
        }
    }

    private int Prefill(IProgress<long>? progress, CancellationToken cancellationToken)
    {
        NumCachedTokens = sequence.KeepPrefixOf(prompt.Span);
        var row = 0;
        for (var start = NumCachedTokens; start < prompt.Length; start += row + 1)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Steps end on the grid of lightning blocks, so a prompt gives the same bits however much of it was cached.
            var step = engine.Loaded.Model.MaxStepTokens;
            var toGridLine = step > Kernels.LightningAttention.BlockTokens ? step - (start % Kernels.LightningAttention.BlockTokens) : step;
            var tokens = prompt.Slice(start, Math.Min(toGridLine, prompt.Length - start));
            sequence.Append(tokens);
            row = tokens.Length - 1;
            progress?.Report(start + tokens.Length);
        }

        return row;
    }

    private GeneratedToken Take(SampledToken token)
    {
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

    private bool IsEnd(int id) =>
        GeneratedTokens > sampling.MinTokens && (sampling.StopTokenIds.Contains(id) || (!sampling.IgnoreEos && engine.EndIds.Contains(id)));

    private string Flush()
    {
        if (stopText.Matched is null)
        {
            stopText.Push(detokenizer.Flush(), released);
            stopText.Finish(released);
        }

        return TakeReleased();
    }

    private string TakeReleased()
    {
        var text = released.ToString();
        released.Clear();
        return text;
    }
}
