using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>One question of a task, one answer.</summary>
/// <param name="instance">The question.</param>
/// <param name="formatWeight">Weight of the format reward; 0 leaves it out.</param>
public sealed class SingleTurnEnvironment(TaskInstance instance, double formatWeight = 0) : IEnvironment
{
    /// <inheritdoc/>
    public string Task => instance.Task;

    /// <inheritdoc/>
    public int? Level => instance.Level;

    /// <inheritdoc/>
    public string Prompt => instance.Id;

    /// <inheritdoc/>
    public IReadOnlyList<Reward> Rewards { get; } = RewardsOf(instance, formatWeight);

    /// <inheritdoc/>
    public Conversation Start() => new(instance.Messages);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ChatMessage>> Respond(ChatMessage message, CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<ChatMessage>>([]);

    /// <summary>Correctness, and the format where it has a weight.</summary>
    internal static IReadOnlyList<Reward> RewardsOf(TaskInstance instance, double formatWeight) =>
        formatWeight == 0 ? [Reward.Correct(instance)] : [Reward.Correct(instance), Reward.Format(formatWeight)];
}
