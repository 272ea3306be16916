using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A model that is asked as a user, a judge or an assistant: gives its next message.</summary>
/// <param name="conversation">Messages and tools.</param>
/// <param name="cancellationToken">Ends it.</param>
public delegate ValueTask<ChatMessage> ModelReply(Conversation conversation, CancellationToken cancellationToken);

/// <summary>Models that can be asked; see <see cref="ChatEndpoint"/> for those of a server.</summary>
public static class ModelReplies
{
    /// <summary>A source of answers with its tokenizer.</summary>
    public static ModelReply Of(Generate generate, Tokenizer tokenizer, SamplingParams sampling) => async (conversation, cancellationToken) =>
    {
        var completion = await generate(ChatPrompt.Encode(conversation, tokenizer), sampling, cancellationToken).ConfigureAwait(false);
        return ChatStreamParser.Parse(completion.Text);
    };
}
