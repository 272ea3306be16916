namespace MiniMaxSharp.Inference;

/// <summary>A request failed in a way that another attempt may mend. Caught by <see cref="RetrySchedule"/>'s users.</summary>
internal sealed class TransientFailure(string message, TimeSpan? retryAfter = null, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Wait that the server asked for.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>Cancels when nothing happens for some time.</summary>
internal sealed class StallGuard : IDisposable
{
    private readonly CancellationTokenSource source;
    private readonly CancellationToken caller;
    private readonly TimeSpan timeout;

    public StallGuard(TimeSpan timeout, CancellationToken caller)
    {
        this.timeout = timeout;
        this.caller = caller;
        source = CancellationTokenSource.CreateLinkedTokenSource(caller);
        source.CancelAfter(timeout);
    }

    /// <summary>For the operation that is watched.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>True when it was the time that cancelled, not the caller.</summary>
    public bool Fired => source.IsCancellationRequested && !caller.IsCancellationRequested;

    /// <summary>Something happened: the time starts again.</summary>
    public void Restart() => source.CancelAfter(timeout);

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();
}
