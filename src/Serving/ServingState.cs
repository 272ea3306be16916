using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>What all requests of a server share.</summary>
internal sealed partial class ServingState : IDisposable
{
    private readonly ILogger logger;
    private readonly CancellationTokenSource hardStop = new();
    private int running;
    private volatile bool draining;

    public ServingState(ServedModel model, ServingOptions options, TimeProvider time, ILogger<ServingState> logger)
    {
        options.Validate();
        this.logger = logger;
        Model = model;
        Options = options;
        Time = time;
        Keys = new ApiKeyRing(options, time);
        Limits = new RateLimits(time);
        Ledger = UsageLedger.Open(options.LedgerFile, time);
        Telemetry = new Telemetry(() => Running, model.Engine);
        Grammars = new GrammarCache();
    }

    public ServedModel Model { get; }

    public ServingOptions Options { get; }

    public TimeProvider Time { get; }

    public ApiKeyRing Keys { get; }

    public RateLimits Limits { get; }

    public UsageLedger Ledger { get; }

    public Telemetry Telemetry { get; }

    public GrammarCache Grammars { get; }

    /// <summary>Generations that were admitted and have not ended.</summary>
    public int Running => Volatile.Read(ref running);

    /// <summary>True once the server is stopping: nothing more is admitted.</summary>
    public bool Draining => draining;

    /// <summary>Ends running generations when the drain deadline has passed.</summary>
    public CancellationToken HardStop => hardStop.Token;

    /// <summary>Admits one generation; <see cref="Leave"/> must follow.</summary>
    public void Enter()
    {
        Interlocked.Increment(ref running);
        if (draining)
        {
            Leave();
            throw new ApiException(StatusCodes.Status503ServiceUnavailable, "The server is stopping. Use another one, or try again later.", code: "shutting_down")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            };
        }
    }

    public void Leave() => Interlocked.Decrement(ref running);

    /// <summary>Admits nothing more, waits for what runs, and ends it after the deadline.</summary>
    public async Task Drain(CancellationToken cancellationToken)
    {
        draining = true;
        var clock = Time.GetTimestamp();
        while (Running > 0 && Time.GetElapsedTime(clock) < Options.DrainDeadline && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), Time, CancellationToken.None).ConfigureAwait(false);
        }

        if (Running > 0)
        {
            LogHardStop(Running);
            await hardStop.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Writes a failure to the log; only those of the server with their stack.</summary>
    public void LogFailure(Exchange exchange, ApiException error)
    {
        Telemetry.Rejected(error.Code ?? $"http_{error.Status}");
        if (error.Status >= StatusCodes.Status500InternalServerError)
        {
            LogServerFailure(error.InnerException, exchange.RequestId, exchange.Context.Request.Path, error.Status);
        }
        else
        {
            LogRefused(exchange.RequestId, exchange.Context.Request.Path, error.Status, error.Code);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{RequestId} {Operation} {Key} {State}: {PromptTokens} prompt ({CachedTokens} cached), {CompletionTokens} generated, {Milliseconds} ms")]
    public partial void LogEnd(
        string requestId, string operation, string key, string state, int promptTokens, int cachedTokens, int completionTokens, long milliseconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "{RequestId} prompt: {Prompt}")]
    public partial void LogPrompt(string requestId, string prompt);

    [LoggerMessage(Level = LogLevel.Error, Message = "{RequestId} {Path} failed with {Status}")]
    private partial void LogServerFailure(Exception? failure, string requestId, string path, int status);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{RequestId} {Path} refused with {Status} {Code}")]
    private partial void LogRefused(string requestId, string path, int status, string? code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The drain deadline has passed; {Count} generations are ended")]
    private partial void LogHardStop(int count);

    /// <inheritdoc/>
    public void Dispose()
    {
        Telemetry.Dispose();
        Ledger.Dispose();
        hardStop.Dispose();
    }
}
