using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>The words of <c>stop_reason</c> in a roll-out.</summary>
public static class StopReasons
{
    /// <summary>The model ended its turn.</summary>
    public const string Stop = "stop";

    /// <summary>The token limit was reached: the answer is truncated.</summary>
    public const string Length = "length";

    /// <summary>The model repeated itself.</summary>
    public const string Repetition = "repetition";

    /// <summary>The environment took its most turns.</summary>
    public const string TurnLimit = "turn_limit";

    /// <summary>The time was up.</summary>
    public const string TimedOut = "timed_out";

    /// <summary>The caller gave up.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The word of an engine's reason.</summary>
    public static string Of(FinishReason reason) => reason switch
    {
        FinishReason.Stop or FinishReason.ToolCalls => Stop,
        FinishReason.Length => Length,
        FinishReason.Repetition => Repetition,
        FinishReason.TimedOut => TimedOut,
        _ => Cancelled,
    };
}
