using System.Text.Json.Nodes;

namespace MiniMaxSharp.Training;

/// <summary>A prompt of a run and the judge of its answers.</summary>
/// <param name="Task">Name of the task, for the metrics.</param>
/// <param name="Level">Difficulty; null where the task has none.</param>
/// <param name="Id">Identifier: the same for the same prompt.</param>
/// <param name="Text">The prompt for people.</param>
/// <param name="Tokens">Token ids of the rendered prompt.</param>
/// <param name="Reward">
/// The terms of the reward of a reply by name; their sum is the reward. Whatever the reply holds it gives terms: what it throws, and what takes too long, is a
/// failure of the grader, and the answer is left out of its group.
/// </param>
public sealed record RlPrompt(
    string Task, int? Level, string Id, string Text, int[] Tokens, Func<string, CancellationToken, ValueTask<IReadOnlyDictionary<string, double>>> Reward);

/// <summary>
/// Where the prompts of a run come from. Both functions depend on their arguments, and on what was observed, alone, or a resumed run would not see the same prompts;
/// <paramref name="Observe"/> is where a curriculum or a filter by difficulty learns what was solved, and with <paramref name="Save"/> and <paramref name="Restore"/> it keeps that
/// in checkpoints.
/// </summary>
/// <param name="Training">The prompt of a step and number; a step asks for further numbers where groups are dropped.</param>
/// <param name="Evaluation">The held-out prompt of a number.</param>
/// <param name="Observe">Receives the groups of each step, dropped ones too; null where nothing learns from them.</param>
/// <param name="Save">What it has learnt, for a checkpoint.</param>
/// <param name="Restore">Receives what Save gave.</param>
public sealed record RlPromptSource(
    Func<long, int, RlPrompt> Training, Func<int, RlPrompt> Evaluation, Action<long, IReadOnlyList<RolloutGroup>>? Observe = null, Func<JsonObject>? Save = null,
    Action<JsonObject>? Restore = null);
