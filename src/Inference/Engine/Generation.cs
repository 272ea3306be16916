using System.Diagnostics;

namespace MiniMaxSharp.Inference;

/// <summary>One token of a generation.</summary>
/// <param name="Id">Its id; −1 for a last piece of text that was held back and belongs to earlier tokens.</param>
/// <param name="Text">Text that became certain with it; empty while a character or a possible stop string is incomplete.</param>
/// <param name="LogProb">Log-probability in the model's raw distribution, when asked for.</param>
/// <param name="TopLogProbs">The most likely ids, when asked for.</param>
public readonly record struct GeneratedToken(int Id, string Text, double? LogProb, IReadOnlyList<TokenLogProb>? TopLogProbs);

/// <summary>One answer on a sequence that the caller keeps: prefill, then sample and decode on the caller's thread until something ends it.</summary>
public sealed class Generation
{
    private readonly InferenceEngine engine;
    private readonly Sequence sequence;
    private readonly ReadOnlyMemory<int> prompt;
    private readonly AnswerRules rules;

    internal Generation(InferenceEngine engine, Sequence sequence, ReadOnlyMemory<int> prompt, AnswerRules rules)
    {
        this.engine = engine;
        this.sequence = sequence;
        this.prompt = prompt;
        this.rules = rules;
    }

    /// <summary>Prompt tokens.</summary>
    public int PromptTokens => prompt.Length;

    /// <summary>Prompt tokens that did not run again.</summary>
    public int NumCachedTokens { get; private set; }

    /// <summary>Tokens generated so far, with the one that ended the turn.</summary>
    public int GeneratedTokens => rules.GeneratedTokens;

    /// <summary>Tokens of thinking.</summary>
    public int ReasoningTokens => rules.ReasoningTokens;

    /// <summary>The seed of the draws.</summary>
    public ulong Seed => rules.Seed;

    /// <summary>Why it ended; null while it runs.</summary>
    public FinishReason? FinishReason => rules.FinishReason;

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
        var next = Prefill(prefillProgress, cancellationToken);
        while (FinishReason is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var generated = Next(ref next);
            PrefillTime = GeneratedTokens == 1 ? clock.Elapsed : PrefillTime;
            DecodeTime = clock.Elapsed - PrefillTime;
            if (generated.Id >= 0 || generated.Text.Length > 0)
            {
                yield return generated;
            }
        }

        if (rules.Flush() is { Length: > 0 } rest)
        {
            yield return new GeneratedToken(-1, rest, null, null);
        }
    }

    /// <summary>Runs <paramref name="tokens"/>, draws the token after them, and makes it the one to run next.</summary>
    private GeneratedToken Next(ref ReadOnlyMemory<int> tokens)
    {
        lock (engine.StepGate)
        {
            sequence.Append(tokens);
            var generated = rules.Next(engine.Loaded.Model.Logits(tokens.Length - 1), out var id);
            tokens = new[] { id };
            return generated;
        }
    }

    /// <summary>Runs the prompt but for its last chunk, which is returned.</summary>
    private ReadOnlyMemory<int> Prefill(IProgress<long>? progress, CancellationToken cancellationToken)
    {
        NumCachedTokens = sequence.KeepPrefixOf(prompt.Span);
        for (var start = NumCachedTokens; ;)
        {
            // Steps end on the grid of lightning blocks, so a prompt gives the same bits however much of it was cached.
            var step = engine.Loaded.Model.MaxStepTokens;
            var toGridLine = step > Kernels.LightningAttention.BlockTokens ? step - (start % Kernels.LightningAttention.BlockTokens) : step;
            var tokens = prompt.Slice(start, Math.Min(toGridLine, prompt.Length - start));
            start += tokens.Length;
            if (start == prompt.Length)
            {
                return tokens;
            }

            cancellationToken.ThrowIfCancellationRequested();
            lock (engine.StepGate)
            {
                sequence.Append(tokens);
            }

            progress?.Report(start);
        }
    }
}
