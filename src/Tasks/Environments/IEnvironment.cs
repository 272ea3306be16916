using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// What the policy acts in: it says the first messages, answers each message of the policy, and judges at the end. Used for one roll-out;
/// not for several threads.
/// </summary>
public interface IEnvironment
{
    /// <summary>Name of the task.</summary>
    string Task { get; }

    /// <summary>Level of the task; null where it has none.</summary>
    int? Level { get; }

    /// <summary>Identifier of the prompt: the same for all roll-outs of a group.</summary>
    string Prompt { get; }

    /// <summary>Rewards of the finished roll-out.</summary>
    IReadOnlyList<Reward> Rewards { get; }

    /// <summary>The first messages and the tools; called once.</summary>
    Conversation Start();

    /// <summary>Tool results or the user's next message; empty when the episode is over.</summary>
    /// <param name="message">What the policy said.</param>
    /// <param name="cancellationToken">Ends the wait for a user that is a model.</param>
    ValueTask<IReadOnlyList<ChatMessage>> Respond(ChatMessage message, CancellationToken cancellationToken);
}
