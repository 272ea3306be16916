using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A question of a task with a calculator: the policy may call it any number of times; the first message without a call is its answer.</summary>
/// <param name="instance">The question.</param>
/// <param name="formatWeight">Weight of the format reward; 0 leaves it out.</param>
public sealed class CalculatorEnvironment(TaskInstance instance, double formatWeight = 0) : IEnvironment
{
    private static readonly Tool[] tools = [Calculator.Tool];

    /// <inheritdoc/>
    public string Task => $"calculator/{instance.Task}";

    /// <inheritdoc/>
    public int? Level => instance.Level;

    /// <inheritdoc/>
    public string Prompt => instance.Id;

    /// <inheritdoc/>
    public IReadOnlyList<Reward> Rewards { get; } = SingleTurnEnvironment.RewardsOf(instance, formatWeight);

    /// <inheritdoc/>
    public Conversation Start() => new(instance.Messages) { Tools = [.. tools.Select(tool => tool.Describe())] };

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ChatMessage>> Respond(ChatMessage message, CancellationToken cancellationToken) =>
        ValueTask.FromResult(message.ToolCalls is { Count: > 0 } calls ? Tool.Answer(tools, calls) : []);
}
