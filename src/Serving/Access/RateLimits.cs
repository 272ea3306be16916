using System.Collections.Concurrent;

namespace MiniMaxSharp.Serving;

/// <summary>
/// Token buckets per caller: one of requests, one of tokens; each holds a minute's worth. Tokens are charged when they are known, so a bucket may
/// fall below zero; then the caller waits until it is refilled.
/// </summary>
internal sealed class RateLimits(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Buckets> buckets = new(StringComparer.Ordinal);

    /// <summary>Admits a request, or tells how long to wait.</summary>
    /// <returns>Null when it is admitted; otherwise the name of the limit and the time to wait.</returns>
    public (string Limit, TimeSpan Wait)? TryEnter(Caller caller)
    {
        var own = buckets.GetOrAdd(caller.Name, _ => new Buckets());
        lock (own)
        {
            var now = time.GetTimestamp();
            if (caller.TokensPerMinute is { } tokens && own.Tokens.Refill(tokens, time, now) <= 0)
            {
                return ("tokens", own.Tokens.TimeUntil(1, tokens));
            }

            if (caller.RequestsPerMinute is { } requests)
            {
                if (own.Requests.Refill(requests, time, now) < 1)
                {
                    return ("requests", own.Requests.TimeUntil(1, requests));
                }

                own.Requests.Level--;
            }

            return null;
        }
    }

    /// <summary>Takes tokens that a caller used.</summary>
    public void Charge(Caller caller, int tokens)
    {
        if (caller.TokensPerMinute is { } limit)
        {
            var own = buckets.GetOrAdd(caller.Name, _ => new Buckets());
            lock (own)
            {
                own.Tokens.Refill(limit, time, time.GetTimestamp());
                own.Tokens.Level -= tokens;
            }
        }
    }

    private sealed class Buckets
    {
        public Bucket Requests { get; } = new();

        public Bucket Tokens { get; } = new();
    }

    private sealed class Bucket
    {
        private long? refilled;

        public double Level { get; set; }

        public double Refill(int perMinute, TimeProvider time, long now)
        {
            Level = refilled is { } before ? Math.Min(perMinute, Level + (time.GetElapsedTime(before, now).TotalMinutes * perMinute)) : perMinute;
            refilled = now;
            return Level;
        }

        public TimeSpan TimeUntil(double level, int perMinute) => TimeSpan.FromMinutes((level - Level) / perMinute);
    }
}
