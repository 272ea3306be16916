using System.Text.Json.Serialization;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// One answer of the policy with all that training and people want to know of it; one line of <c>rollouts.jsonl</c>.
/// T tokens follow the prompt: of one turn the generated ones alone, of several turns also what the environment said, with loss mask 0.
/// </summary>
public sealed record Rollout
{
    /// <summary>Training step whose batch it was generated for.</summary>
    public required long Step { get; init; }

    /// <summary>Number of optimiser steps behind the weights that generated it.</summary>
    public long PolicyVersion { get; init; }

    /// <summary>Name of the task or environment.</summary>
    public required string Task { get; init; }

    /// <summary>Level of the task; null where it has none.</summary>
    public int? Level { get; init; }

    /// <summary>Identifier of the prompt, see <see cref="TaskInstance.Id"/>.</summary>
    public required string Prompt { get; init; }

    /// <summary>Number of the group within the step; the samples of one group answer one prompt.</summary>
    public required int Group { get; init; }

    /// <summary>Number of the sample within its group.</summary>
    public required int Sample { get; init; }

    /// <summary>The first messages as text.</summary>
    public required string PromptText { get; init; }

    /// <summary>What was thought, without the tags; of several turns the last one's.</summary>
    public string Reasoning { get; init; } = "";

    /// <summary>What was answered; of several turns the last one's.</summary>
    public string Answer { get; init; } = "";

    /// <summary>The last turn as it was generated, with its thinking; what rewards judge. Not in files.</summary>
    [JsonIgnore]
    public string Reply { get; init; } = "";

    /// <summary>The later messages of several turns; null where there was one turn.</summary>
    public RolloutMessage[]? Messages { get; init; }

    /// <summary>Ids [P] of the prompt; may be left out of a file.</summary>
    public int[]? PromptTokens { get; init; }

    /// <summary>Ids [T] after the prompt, with the token that ended a turn.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>[T] 1 for tokens of the policy, 0 for those of tools and users; null where all are 1.</summary>
    public int[]? LossMask { get; init; }

    /// <summary>Log-probabilities [T] when they were drawn; 0 where the loss mask is 0.</summary>
    public required float[] Logprobs { get; init; }

    /// <summary>Log-probabilities [T] that the trainer computed with the same weights; null where it did not.</summary>
    public float[]? TrainLogprobs { get; init; }

    /// <summary>
    /// Experts of the prompt's and the answer's tokens when they were drawn, [tokens that ran, L layers, K experts of a token]; null where they were not
    /// recorded. Not in files.
    /// </summary>
    [JsonIgnore]
    public byte[]? Routes { get; init; }

    /// <summary>Sum of <see cref="Rewards"/>.</summary>
    public double Reward { get; init; }

    /// <summary>The terms of the reward.</summary>
    public RewardTerm[] Rewards { get; init; } = [];

    /// <summary>Advantage within the group; null before it is known.</summary>
    public double? Advantage { get; init; }

    /// <summary>Why it ended, see <see cref="StopReasons"/>.</summary>
    public required string StopReason { get; init; }

    /// <summary>What failed in grader or environment; such a roll-out is left out of its group. Null where nothing did.</summary>
    public string? Error { get; init; }

    /// <summary>True for token <paramref name="index"/> of the policy.</summary>
    public bool InLoss(int index) => LossMask is null || LossMask[index] != 0;

    /// <summary>Tokens of the policy.</summary>
    [JsonIgnore]
    public int PolicyTokens => LossMask is null ? Tokens.Length : LossMask.Count(mask => mask != 0);
}

/// <summary>One message of a roll-out of several turns.</summary>
/// <param name="Role"><c>assistant</c>, <c>tool</c> or <c>user</c>.</param>
/// <param name="Text">What it says; of an assistant with its thinking and tool calls, as generated.</param>
public sealed record RolloutMessage(string Role, string Text);
