using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A user who is played: gives the next thing to say after the assistant's last message, or null to end the conversation.</summary>
/// <param name="conversation">All messages so far without the system's and the tools', the last one the assistant's.</param>
/// <param name="cancellationToken">Ends the wait.</param>
public delegate ValueTask<string?> CustomerTurn(IReadOnlyList<ChatMessage> conversation, CancellationToken cancellationToken);

/// <summary>The ways to play a user.</summary>
public static class Customers
{
    private const string Done = "###DONE###";

    /// <summary>Says one wish after the other, whatever the assistant answers.</summary>
    public static CustomerTurn Script(IReadOnlyList<string> wishes) => (conversation, _) =>
        ValueTask.FromResult(conversation.Count(message => message.Role == "user") is var said && said < wishes.Count ? wishes[said] : null);

    /// <summary>A model that plays the user and sees the conversation with the roles turned round.</summary>
    /// <param name="model">The model.</param>
    /// <param name="wishes">What the user wants.</param>
    public static CustomerTurn Model(ModelReply model, IReadOnlyList<string> wishes)
    {
        var instruction =
            "You play a customer who writes to a shop. Your wishes, one at a time and in this order:\n"
            + string.Join('\n', wishes.Select((wish, i) => $"{i + 1}. {wish}"))
            + $"\nWrite only the customer's next message, in one or two sentences. Give no data that is not in the wishes. When every wish was done or refused, write {Done}.";
        return async (conversation, cancellationToken) =>
        {
            var turned = conversation.Select(message => message.Role == "user" ? ChatMessage.Assistant(message.Content.ToString()) : ChatMessage.User(message.Content.ToString()));
            var reply = await model(new Conversation([ChatMessage.System(instruction), ChatMessage.User("Hello, how can I help you?"), .. turned]), cancellationToken).ConfigureAwait(false);
            var text = reply.Content.ToString().Trim();
            return text.Length == 0 || text.Contains(Done, StringComparison.Ordinal) ? null : text;
        };
    }
}
