using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>What one event of a generation says to a client.</summary>
/// <param name="Choice">Which answer.</param>
/// <param name="Token">The token.</param>
/// <param name="Deltas">Reasoning, content and tool calls that became certain; valid until the next event.</param>
/// <param name="FinishReason">Why the answer ended; null before.</param>
/// <param name="StopText">The stop string that ended it; null when none did.</param>
internal readonly record struct ChatStep(int Choice, GeneratedToken Token, IReadOnlyList<ChatDelta> Deltas, FinishReason? FinishReason, string? StopText);

/// <summary>Splits one answer while it is generated.</summary>
internal sealed class ChatTurn(Exchange exchange, ChatCall call, int choice)
{
    private readonly ChatStreamParser parser = new(callIdPrefix: $"call_{exchange.RequestId[^12..]}_{choice}_", parsesToolCalls: call.HasTools);
    private readonly StreamingDetokenizer detokenizer = exchange.Server.Model.Tokenizer.CreateDetokenizer(skipSpecial: true);
    private readonly StopTextMatcher stops = new(call.Sampling.Stop);
    private readonly System.Text.StringBuilder unused = new();
    private readonly List<ChatDelta> deltas = [];

    /// <summary>The answers of a call, split, as they come.</summary>
    public static async IAsyncEnumerable<ChatStep> Steps(Exchange exchange, ChatCall call, GenerationCall generation)
    {
        var turns = Enumerable.Range(0, call.Count).Select(choice => new ChatTurn(exchange, call, choice)).ToArray();
        await foreach (var item in generation.Events().ConfigureAwait(false))
        {
            yield return turns[item.Choice].Take(item);
        }
    }

    private ChatStep Take(GenerationEvent item)
    {
        deltas.Clear();
        parser.Push(item.Token.Text, deltas);
        if (item.Token.Id >= 0 && call.Sampling.Stop.Count > 0)
        {
            stops.Push(detokenizer.Push(item.Token.Id), unused);
            unused.Clear();
        }

        if (item.FinishReason is not { } reason)
        {
            return new ChatStep(choice, item.Token, deltas, null, null);
        }

        parser.Finish(deltas);
        var finish = reason == FinishReason.Stop && parser.ToolCallCount > 0 ? FinishReason.ToolCalls : reason;
        return new ChatStep(choice, item.Token, deltas, finish, reason == FinishReason.Stop ? stops.Matched : null);
    }
}
