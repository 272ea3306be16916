namespace MiniMaxSharp.Inference;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended its turn, or a stop token or stop string came.</summary>
    Stop,

    /// <summary>The token limit or the end of the context was reached.</summary>
    Length,

    /// <summary>The model repeated itself, see <see cref="RepetitionStop"/>.</summary>
    Repetition,

    /// <summary>The caller gave up.</summary>
    Cancelled,

    /// <summary>The request took longer than it was allowed to.</summary>
    TimedOut,

    /// <summary>The turn ended with tool calls that wait for results.</summary>
    ToolCalls,
}
