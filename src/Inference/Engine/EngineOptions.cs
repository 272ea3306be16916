namespace MiniMaxSharp.Inference;

/// <summary>Which states the prefix cache may give to a later request.</summary>
public enum PrefixCacheMode
{
    /// <summary>No cache.</summary>
    Off,

    /// <summary>Only states made by whole blocks of the prompt: a warm answer has the bits of a cold one.</summary>
    Exact,

    /// <summary>Also states between grid lines and those that decoding made: reuses more, and the last bits of an answer may differ.</summary>
    Fast,
}

/// <summary>How an engine schedules requests and what it remembers of them.</summary>
public sealed record EngineOptions
{
    /// <summary>Most answers that run side by side; null is 16, or what the step size allows.</summary>
    public int? MaxRunning { get; init; }

    /// <summary>Most requests that wait beyond those that run; more are refused with <see cref="QueueFullException"/>.</summary>
    public int MaxWaiting { get; init; } = 256;

    /// <summary>Which states are reused.</summary>
    public PrefixCacheMode CacheMode { get; init; } = PrefixCacheMode.Exact;

    /// <summary>Memory of the prefix cache in bytes; null is a quarter of what states may take.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>Folder in which cached prompts survive a restart; null keeps them in memory only.</summary>
    public string? SessionFolder { get; init; }

    /// <summary>Most bytes of the session folder for one model; the files that were unused for longest go first.</summary>
    public long SessionBytes { get; init; } = 16L << 30;

    /// <summary>The clock of time-outs and times.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>True: no thread runs the steps; the caller does, with <see cref="InferenceEngine.Step"/>.</summary>
    public bool ManualSteps { get; init; }
}
