using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>The answers of one request, split while they are generated.</summary>
internal static class ChatSteps
{
    /// <summary>The steps of all answers of a call, as they come.</summary>
    public static async IAsyncEnumerable<ChatStep> Of(Exchange exchange, ChatCall call, GenerationCall generation)
    {
        var turns = Enumerable.Range(0, call.Count).Select(choice => new ChatTurn(
            exchange.Server.Model.Tokenizer, call.Sampling.Stop, call.HasTools, $"call_{exchange.RequestId[^12..]}_{choice}_")).ToArray();
        await foreach (var item in generation.Events().ConfigureAwait(false))
        {
            yield return turns[item.Choice].Take(item);
        }
    }
}
