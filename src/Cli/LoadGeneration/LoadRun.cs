using System.Diagnostics;

namespace MiniMaxSharp.Cli;

/// <summary>Sends a load to a server: all at their times of arrival, or by clients that send the next request when the last is answered.</summary>
internal static class LoadRun
{
    /// <summary>Sends all requests.</summary>
    /// <param name="requests">Those of a <see cref="LoadShape"/>.</param>
    /// <param name="clients">Clients of a closed loop; an open loop has no limit.</param>
    /// <param name="send">Sends one.</param>
    /// <param name="progress">Called with the number of answered requests.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The results in the order of the requests, and the time from the start to the last answer.</returns>
    public static async Task<(LoadResult[] Results, TimeSpan Elapsed)> Send(
        IReadOnlyList<LoadRequest> requests, int clients, Func<LoadRequest, CancellationToken, Task<LoadResult>> send, IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        var results = new LoadResult[requests.Count];
        var clock = Stopwatch.StartNew();
        var (next, done) = (-1, 0L);
        var open = requests.Count > 0 && requests[0].Arrival is not null;
        await Task.WhenAll(open ? Enumerable.Range(0, requests.Count).Select(Arrive) : Enumerable.Range(0, clients).Select(_ => Client())).ConfigureAwait(false);
        return (results, clock.Elapsed);

        async Task Arrive(int index)
        {
            var wait = requests[index].Arrival!.Value - clock.Elapsed;
            await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, cancellationToken).ConfigureAwait(false);
            await One(index).ConfigureAwait(false);
        }

        async Task Client()
        {
            while (Interlocked.Increment(ref next) is var index && index < requests.Count)
            {
                await One(index).ConfigureAwait(false);
            }
        }

        async Task One(int index)
        {
            results[index] = await send(requests[index], cancellationToken).ConfigureAwait(false);
            progress?.Report(Interlocked.Increment(ref done));
        }
    }
}
