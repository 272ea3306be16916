using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>What one event of a generation says to a client.</summary>
/// <param name="Choice">Which answer.</param>
/// <param name="Token">The token.</param>
/// <param name="Deltas">Reasoning, content and tool calls that became certain; valid until the next event.</param>
/// <param name="FinishReason">Why the answer ended; null before.</param>
/// <param name="StopText">The stop string that ended it; null when none did.</param>
public readonly record struct ChatStep(int Choice, GeneratedToken Token, IReadOnlyList<ChatDelta> Deltas, FinishReason? FinishReason, string? StopText);

/// <summary>Splits one answer into reasoning, content and tool calls while it is generated.</summary>
/// <param name="tokenizer">The tokenizer of the model.</param>
/// <param name="stop">The stop strings of the request.</param>
/// <param name="parsesToolCalls">False where no tool is offered.</param>
/// <param name="callIdPrefix">Call identifiers are this and the number of the call.</param>
public sealed class ChatTurn(Tokenizer tokenizer, IReadOnlyList<string> stop, bool parsesToolCalls, string callIdPrefix)
{
    private readonly ChatStreamParser parser = new(callIdPrefix: callIdPrefix, parsesToolCalls: parsesToolCalls);
    private readonly StreamingDetokenizer detokenizer = tokenizer.CreateDetokenizer(skipSpecial: true);
    private readonly StopTextMatcher stops = new(stop);
    private readonly StringBuilder unused = new();
    private readonly List<ChatDelta> deltas = [];

    /// <summary>Takes the next event of the answer.</summary>
    public ChatStep Take(GenerationEvent item)
    {
        deltas.Clear();
        parser.Push(item.Token.Text, deltas);
        if (item.Token.Id >= 0 && stop.Count > 0)
        {
            stops.Push(detokenizer.Push(item.Token.Id), unused);
            unused.Clear();
        }

        if (item.FinishReason is not { } reason)
        {
            return new ChatStep(item.Choice, item.Token, deltas, null, null);
        }

        parser.Finish(deltas);
        var finish = reason == FinishReason.Stop && parser.ToolCallCount > 0 ? FinishReason.ToolCalls : reason;
        return new ChatStep(item.Choice, item.Token, deltas, finish, reason == FinishReason.Stop ? stops.Matched : null);
    }
}
