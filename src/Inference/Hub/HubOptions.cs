namespace MiniMaxSharp.Inference;

/// <summary>How a hub is used.</summary>
public sealed record HubOptions
{
    /// <summary>Files that are fetched at the same time.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Failures in a row, without progress between them, after which a request is given up.</summary>
    public int MaxAttempts { get; init; } = 10;

    /// <summary>Time without a single byte after which a connection counts as dead.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Clock of the waits between attempts.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Source of the random part of the waits, in [0, 1).</summary>
    public Func<double> Jitter { get; init; } = Random.Shared.NextDouble;

    /// <summary>Free bytes on the disk of an existing folder.</summary>
    public Func<string, long> FreeBytes { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Receives one line for each retry.</summary>
    public Action<string>? Note { get; init; }
}
