using System.Threading.Channels;

namespace MiniMaxSharp.Inference;

/// <summary>A request that was admitted: its events, its figures, and the way to stop it.</summary>
public sealed class RunningRequest : IDisposable
{
    private readonly Channel<GenerationEvent> events = Channel.CreateUnbounded<GenerationEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource stop = new();
    private int reasoningTokens;
    private int completionTokens;

    internal RunningRequest(GenerationRequest request) => Request = request;

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
    public TimeSpan QueueTime { get; internal set; }

    /// <summary>From the first step to the first token.</summary>
    public TimeSpan PrefillTime { get; internal set; }

    /// <summary>From the first token to the last.</summary>
    public TimeSpan DecodeTime { get; internal set; }

    internal CancellationToken Stopped => stop.Token;

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

    internal void Add(GenerationEvent item, bool reasoning)
    {
        if (item.Token.Id >= 0)
        {
            Interlocked.Increment(ref completionTokens);
            Interlocked.Add(ref reasoningTokens, reasoning ? 1 : 0);
        }

        events.Writer.TryWrite(item);
    }

    internal void Complete(Exception? failure = null) => events.Writer.TryComplete(failure);
}
