using System.Threading.Channels;

namespace MiniMaxSharp.Inference;

/// <summary>A request that was admitted: its events, its figures, and the way to stop it.</summary>
public sealed class RunningRequest : IDisposable
{
    private readonly Channel<GenerationEvent> events = Channel.CreateUnbounded<GenerationEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource stop = new();
    private int reasoningTokens;
    private int completionTokens;

    private readonly TimeProvider time;
    private readonly long admitted;
    private long firstStep;
    private long firstToken;
    private int openAnswers;

    internal RunningRequest(GenerationRequest request, TimeProvider time)
    {
        Request = request;
        this.time = time;
        admitted = time.GetTimestamp();
        openAnswers = request.Count;
    }

    /// <summary>What was asked.</summary>
    public GenerationRequest Request { get; }

    /// <summary>Prompt tokens.</summary>
    public int PromptTokens => Request.Prompt.Length;

    /// <summary>Prompt tokens that did not run again.</summary>
    public int CachedTokens { get; internal set; }

    /// <summary>Why not more of the prompt was reused; null before the prefill, and when all that could be reused was.</summary>
    public string? CacheMissReason { get; internal set; }

    /// <summary>Tokens generated so far, all answers together.</summary>
    public int CompletionTokens => Volatile.Read(ref completionTokens);

    /// <summary>Tokens of thinking among them.</summary>
    public int ReasoningTokens => Volatile.Read(ref reasoningTokens);

    /// <summary>From admission to the first step.</summary>
    public TimeSpan QueueTime { get; private set; }

    /// <summary>From the first step to the first token.</summary>
    public TimeSpan PrefillTime { get; private set; }

    /// <summary>From the first token to the last.</summary>
    public TimeSpan DecodeTime { get; private set; }

    /// <summary>
    /// Log-probabilities of the prompt when they were asked for; complete before the first event. Entry i is that of prompt token i + 1, for nothing
    /// stands before the first.
    /// </summary>
    public IReadOnlyList<PromptLogProb>? PromptLogProbs => PromptScores?.Scores;

    /// <summary>Seed of the draws of answer 0; answer i draws with seed + i when a seed was given.</summary>
    public ulong Seed { get; internal set; }

    /// <summary>Collects <see cref="PromptLogProbs"/>; null when they were not asked for.</summary>
    internal PromptScores? PromptScores { get; set; }

    /// <summary>True when every answer has ended.</summary>
    internal bool IsComplete { get; private set; }

    /// <summary>Signalled when the request is cancelled.</summary>
    internal CancellationToken Stopped => stop.Token;

    /// <summary>Why the request is to end now; null when it is not.</summary>
    internal FinishReason? EndsNow =>
        stop.IsCancellationRequested ? FinishReason.Cancelled
        : Request.Timeout is { } limit && time.GetElapsedTime(admitted) >= limit ? FinishReason.TimedOut
        : null;

    /// <summary>The events of all answers as they come, to be read once. Ends when every answer has ended.</summary>
    /// <param name="cancellationToken">The caller gave up: cancels the request at the next step.</param>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async IAsyncEnumerable<GenerationEvent> Events([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var registration = cancellationToken.Register(Cancel);
        await foreach (var item in events.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return item;
        }
    }

    /// <summary>Ends the request at the next step with <see cref="FinishReason.Cancelled"/>.</summary>
    public void Cancel() => stop.Cancel();

    /// <inheritdoc/>
    public void Dispose() => stop.Cancel();

    /// <summary>A step with tokens of this request begins.</summary>
    internal void Started()
    {
        if (firstStep == 0)
        {
            firstStep = time.GetTimestamp();
            QueueTime = time.GetElapsedTime(admitted, firstStep);
        }
    }

    internal void Add(GenerationEvent item, bool reasoning)
    {
        if (item.Token.Id >= 0)
        {
            Interlocked.Increment(ref completionTokens);
            Interlocked.Add(ref reasoningTokens, reasoning ? 1 : 0);
        }

        var now = time.GetTimestamp();
        if (firstToken == 0 && firstStep != 0)
        {
            firstToken = now;
            PrefillTime = time.GetElapsedTime(firstStep, now);
        }

        DecodeTime = firstToken == 0 ? TimeSpan.Zero : time.GetElapsedTime(firstToken, now);
        events.Writer.TryWrite(item);
    }

    /// <summary>An answer has ended. True: it was the last one.</summary>
    internal bool End(GenerationEvent item)
    {
        Add(item, reasoning: false);
        return --openAnswers == 0;
    }

    internal void Complete(Exception? failure = null)
    {
        IsComplete = true;
        events.Writer.TryComplete(failure);
    }
}
