namespace MiniMaxSharp.Inference;

/// <summary>What a piece of generated text is.</summary>
public enum ChatDeltaKind
{
    /// <summary>Thinking, between the think tags.</summary>
    Reasoning,

    /// <summary>The answer.</summary>
    Content,

    /// <summary>A tool call begins; the text is the name of the tool.</summary>
    ToolCallStart,

    /// <summary>The next piece of the JSON text of the call's arguments.</summary>
    ToolCallArguments,

    /// <summary>The call is complete: its arguments are one valid JSON object.</summary>
    ToolCallEnd,

    /// <summary>The call that was begun is broken or cut off; its arguments are not to be used.</summary>
    ToolCallMalformed,
}

/// <summary>One event of the generated text.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text, the tool's name at the start of a call, empty at its end.</param>
/// <param name="ToolIndex">Number of the call within the turn, from 0; -1 for reasoning and content.</param>
/// <param name="ToolCallId">Identifier of the call; only at its start.</param>
public readonly record struct ChatDelta(ChatDeltaKind Kind, string Text, int ToolIndex = -1, string? ToolCallId = null);
