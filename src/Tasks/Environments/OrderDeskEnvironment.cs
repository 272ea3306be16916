using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// A customer, a database and its rules, in the manner of TAU-bench: the reward is 1 when the conversation came to its end, the database has
/// the state that right actions lead to, and every text that the customer must hear was said to the customer.
/// </summary>
/// <param name="scenario">The scenario.</param>
/// <param name="customer">Who plays the customer; null is the script of the scenario. The first message is always the script's.</param>
public sealed class OrderDeskEnvironment(OrderDeskScenario scenario, CustomerTurn? customer = null) : IEnvironment
{
    private readonly KeyValueStore store = scenario.CreateStore();
    private readonly List<ChatMessage> conversation = [];
    private readonly List<string> replies = [];
    private bool isOver;

    /// <inheritdoc/>
    public string Task => "order-desk";

    /// <inheritdoc/>
    public int? Level => scenario.Level;

    /// <inheritdoc/>
    public string Prompt => scenario.Id;

    /// <inheritdoc/>
    public IReadOnlyList<Reward> Rewards =>
        [new Reward(Reward.CorrectName, (_, _) => ValueTask.FromResult(isOver && scenario.IsFulfilled(store, replies) ? 1.0 : 0.0))];

    /// <inheritdoc/>
    public Conversation Start()
    {
        conversation.Add(ChatMessage.User(scenario.Wishes[0]));
        return new Conversation([ChatMessage.System(OrderDeskScenario.Policy), .. conversation]) { Tools = [.. store.Tools.Select(tool => tool.Describe())] };
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ChatMessage>> Respond(ChatMessage message, CancellationToken cancellationToken)
    {
        if (message.ToolCalls is { Count: > 0 } calls)
        {
            return Tool.Answer(store.Tools, calls);
        }

        var reply = message.Content.ToString();
        replies.Add(reply);
        conversation.Add(ChatMessage.Assistant(reply));
        if (await (customer ?? Customers.Script(scenario.Wishes))(conversation, cancellationToken).ConfigureAwait(false) is not { } next)
        {
            isOver = true;
            return [];
        }

        conversation.Add(ChatMessage.User(next));
        return [conversation[^1]];
    }
}
