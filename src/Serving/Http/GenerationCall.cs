using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>The generations of one HTTP request: admitted, limited, booked, measured. Booked on disk before the last byte of the answer is sent.</summary>
internal sealed class GenerationCall : IDisposable
{
    private readonly Exchange exchange;
    private readonly string operation;
    private readonly List<RunningRequest> running = [];
    private readonly List<string> finishReasons = [];
    private readonly Activity? activity;
    private readonly long started;
    private TimeSpan? firstToken;
    private int booked;
    private bool ended;

    private GenerationCall(Exchange exchange, string operation)
    {
        this.exchange = exchange;
        this.operation = operation;
        started = exchange.Server.Time.GetTimestamp();
        activity = Telemetry.Start(operation, exchange.Server.Model.Name);
    }

    /// <summary>The generations.</summary>
    public IReadOnlyList<RunningRequest> Running => running;

    /// <summary>Tokens so far, all generations together.</summary>
    public TokenUsage Usage => running.Aggregate(default(TokenUsage), (sum, one) => new TokenUsage(
        sum.Prompt + one.PromptTokens, sum.Cached + one.CachedTokens, sum.Completion + one.CompletionTokens, sum.Reasoning + one.ReasoningTokens));

    /// <summary>Why not more of the prompt was reused; null when all that could be was.</summary>
    public string? CacheMissReason => running.Select(one => one.CacheMissReason).FirstOrDefault(reason => reason is not null);

    private ServingState Server => exchange.Server;

    /// <summary>Admits the requests. Everything that can be refused is refused here, before the answer begins.</summary>
    public static GenerationCall Begin(Exchange exchange, string operation, params IReadOnlyList<GenerationRequest> requests)
    {
        var server = exchange.Server;
        server.Enter();
        var call = new GenerationCall(exchange, operation);
        try
        {
            var (priority, timeout) = (Priority(exchange.Body), Timeout(exchange.Body, server.Options.RequestTimeout));
            if (server.Limits.TryEnter(exchange.Caller) is var (limit, wait))
            {
                throw new ApiException(
                    StatusCodes.Status429TooManyRequests, $"The limit of {limit} a minute is reached. Try again later.", code: "rate_limit_exceeded")
                { RetryAfter = wait };
            }

            foreach (var request in requests)
            {
                call.running.Add(server.Model.Submit(request with { Timeout = timeout, Priority = priority }));
            }

            foreach (var (i, one) in call.running.Index())
            {
                server.Ledger.Begin(call.RowId(i), exchange.Caller.Name, server.Model.Name, operation, one.PromptTokens, PriceTier.Of(server.Options.Prices, one.PromptTokens));
            }

            call.booked = call.running.Count;
            server.Limits.Charge(exchange.Caller, call.Usage.Prompt);
            return call;
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }

    /// <summary>The events of all generations; answer numbers go on from one generation to the next. Ends with the booking.</summary>
    /// <exception cref="ApiException">The time ran out, or the server stops.</exception>
    /// <exception cref="OperationCanceledException">The client is gone.</exception>
    public async IAsyncEnumerable<GenerationEvent> Events([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, exchange.Gone, Server.HardStop);
        var nextProgress = UsageLedger.ProgressTokens;
        var offset = 0;
        foreach (var (i, one) in running.Index())
        {
            await using var events = one.Events(stop.Token).GetAsyncEnumerator(CancellationToken.None);
            while (await MoveNext(events).ConfigureAwait(false))
            {
                var item = events.Current;
                firstToken ??= item.Token.Id >= 0 ? Server.Time.GetElapsedTime(started) : null;
                ThrowIfStopped(item.FinishReason);
                if (item.FinishReason is { } reason)
                {
                    finishReasons.Add(OpenAiJson.Name(reason));
                }

                if (one.CompletionTokens >= nextProgress)
                {
                    Server.Ledger.Progress(RowId(i), UsageOf(one));
                    nextProgress = one.CompletionTokens + UsageLedger.ProgressTokens;
                }

                yield return item with { Choice = item.Choice + offset };
            }

            offset += one.Request.Count;
        }

        End("done");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        running.ForEach(one => one.Dispose());
        End(exchange.Gone.IsCancellationRequested || Server.HardStop.IsCancellationRequested ? "cancelled" : "failed");
        activity?.Dispose();
    }

    /// <summary>vLLM's <c>priority</c>: the lower, the sooner. The engine counts the other way.</summary>
    private static int Priority(RequestFields? body) => -Math.Max(body?.Integer("priority") ?? 0, -int.MaxValue);

    /// <summary>The request's own <c>timeout</c> in seconds, within the server's.</summary>
    private static TimeSpan? Timeout(RequestFields? body, TimeSpan? most) => body?.Number("timeout") switch
    {
        null => most,
        > 0 and <= 86_400 and var seconds => TimeSpan.FromSeconds(seconds) is var own && own < most ? own : most ?? own,
        var seconds => throw ApiException.BadField("timeout", FormattableString.Invariant($"timeout is {seconds}; it must be seconds, above 0 and at most 86400.")),
    };

    private static TokenUsage UsageOf(RunningRequest one) => new(one.PromptTokens, one.CachedTokens, one.CompletionTokens, one.ReasoningTokens);

    private string RowId(int index) => index == 0 ? exchange.RequestId : $"{exchange.RequestId}#{index}";

    private async ValueTask<bool> MoveNext(IAsyncEnumerator<GenerationEvent> events)
    {
        try
        {
            return await events.MoveNextAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!exchange.Gone.IsCancellationRequested && Server.HardStop.IsCancellationRequested)
        {
            throw Stopping();
        }
    }

    private void ThrowIfStopped(FinishReason? reason)
    {
        if (reason == FinishReason.TimedOut)
        {
            throw new ApiException(StatusCodes.Status504GatewayTimeout, "The request took longer than this server allows. Ask for fewer tokens.", code: "timeout");
        }

        if (reason == FinishReason.Cancelled && !exchange.Gone.IsCancellationRequested)
        {
            throw Stopping();
        }
    }

    private static ApiException Stopping() =>
        new(StatusCodes.Status503ServiceUnavailable, "The server stopped before the answer was complete. Try again.", code: "shutting_down");

    private void End(string state)
    {
        if (ended)
        {
            return;
        }

        ended = true;
        try
        {
            Book(state);
        }
        finally
        {
            Server.Leave();
        }
    }

    private void Trace(string state, TokenUsage usage)
    {
        var sampling = running[0].Request.Sampling;
        activity?.SetTag("gen_ai.request.temperature", sampling.Temperature).SetTag("gen_ai.request.top_p", sampling.TopP)
            .SetTag("gen_ai.request.max_tokens", sampling.MaxTokens).SetTag("gen_ai.request.choice.count", running.Sum(one => one.Request.Count))
            .SetTag("gen_ai.usage.input_tokens", usage.Prompt).SetTag("gen_ai.usage.output_tokens", usage.Completion)
            .SetTag("gen_ai.usage.cache_read.input_tokens", usage.Cached).SetTag("gen_ai.response.finish_reasons", finishReasons.ToArray())
            .SetTag("minimax.state", state);
        if (state != "done")
        {
            activity?.SetTag("error.type", state).SetStatus(ActivityStatusCode.Error);
        }
    }

    private void Book(string state)
    {
        for (var i = 0; i < booked; i++)
        {
            Server.Ledger.End(RowId(i), UsageOf(running[i]), state);
        }

        if (booked == 0)
        {
            return;
        }

        var usage = Usage;
        var total = Server.Time.GetElapsedTime(started);
        Server.Limits.Charge(exchange.Caller, usage.Completion);
        Server.Telemetry.Ended(operation, Server.Model.Name, state == "done" ? null : state, usage, total, firstToken, running.Max(one => one.QueueTime));
        Server.LogEnd(exchange.RequestId, operation, exchange.Caller.Name, state, usage.Prompt, usage.Cached, usage.Completion, (long)total.TotalMilliseconds);
        Server.Telemetry.Reused(usage.Cached, CacheMissReason);
        Trace(state, usage);
    }
}
