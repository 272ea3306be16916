using System.Text.Json.Nodes;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>A prompt of a run: what all answers of a group begin with, and what judges them.</summary>
/// <param name="Create">Gives a fresh environment for each answer; all of them start with the same messages.</param>
/// <param name="Start">Where the environment comes from; null for environments of one's own.</param>
public sealed record RlPrompt(Func<IEnvironment> Create, EnvironmentPrompt? Start = null);

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
