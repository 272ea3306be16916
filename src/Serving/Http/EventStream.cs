using System.Text;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Serving;

/// <summary>Server-sent events: writes, flushes, and keeps the connection alive with comments while nothing happens.</summary>
internal sealed class EventStream : IAsyncDisposable
{
    private static readonly byte[] keepAlive = Encoding.UTF8.GetBytes(": keep-alive\n\n");

    private readonly Exchange exchange;
    private readonly SemaphoreSlim writing = new(1);
    private readonly CancellationTokenSource ended = new();
    private readonly Task keeper;
    private long lastWrite;

    private EventStream(Exchange exchange)
    {
        this.exchange = exchange;
        lastWrite = exchange.Server.Time.GetTimestamp();
        keeper = KeepAlive(exchange.Server.Options.KeepAlive);
    }

    /// <summary>
    /// Starts a stream and runs <paramref name="write"/>. When that fails with the client still there, <paramref name="writeError"/> sends the error event.
    /// </summary>
    public static async Task Run(Exchange exchange, Func<EventStream, Task> write, Func<EventStream, ApiException, Task> writeError)
    {
        var response = exchange.Context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        await response.StartAsync(exchange.Gone).ConfigureAwait(false);
        var stream = new EventStream(exchange);
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                await write(stream).ConfigureAwait(false);
            }
            catch (Exception failure) when (!exchange.Gone.IsCancellationRequested)
            {
                var error = ApiException.Of(failure);
                exchange.Server.LogFailure(exchange, error);
                await writeError(stream, error).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends one event.</summary>
    public Task Send(JsonNode data, string? name = null)
    {
        using var bytes = new MemoryStream();
        bytes.Write(name is null ? "data: "u8 : Encoding.UTF8.GetBytes($"event: {name}\ndata: "));
        bytes.Write(Exchange.ToUtf8(data).Span);
        bytes.Write("\n\n"u8);
        return Write(bytes.ToArray());
    }

    /// <summary>Sends <c>data: [DONE]</c>.</summary>
    public Task SendDone() => Write("data: [DONE]\n\n"u8.ToArray());

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync().ConfigureAwait(false);
        await keeper.ConfigureAwait(false);
        ended.Dispose();
        writing.Dispose();
    }

    private async Task Write(ReadOnlyMemory<byte> bytes)
    {
        await writing.WaitAsync(exchange.Gone).ConfigureAwait(false);
        try
        {
            await exchange.Context.Response.Body.WriteAsync(bytes, exchange.Gone).ConfigureAwait(false);
            await exchange.Context.Response.Body.FlushAsync(exchange.Gone).ConfigureAwait(false);
            lastWrite = exchange.Server.Time.GetTimestamp();
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task KeepAlive(TimeSpan interval)
    {
        try
        {
            using var timer = new PeriodicTimer(interval / 2);
            while (await timer.WaitForNextTickAsync(ended.Token).ConfigureAwait(false))
            {
                if (exchange.Server.Time.GetElapsedTime(lastWrite) >= interval)
                {
                    await Write(keepAlive).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The stream has ended, or the client is gone, which the writer of events notices too.
        }
    }
}
