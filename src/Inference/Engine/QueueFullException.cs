namespace MiniMaxSharp.Inference;

/// <summary>The engine has as many waiting requests as it takes; try again later (HTTP 429).</summary>
public sealed class QueueFullException(int limit) : Exception($"{limit} requests wait already; try again later.")
{
    /// <summary>Requests that may wait.</summary>
    public int Limit { get; } = limit;
}
