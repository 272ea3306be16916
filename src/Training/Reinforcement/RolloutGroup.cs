using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>An answer with its judgement.</summary>
/// <param name="Answer">What was drawn.</param>
/// <param name="Text">Its text without special tokens.</param>
/// <param name="Terms">The terms of its reward, the overlong penalty among them.</param>
/// <param name="Error">What failed in the grader; such an answer is left out of its group. Null where nothing did.</param>
public sealed record JudgedAnswer(RolloutAnswer Answer, string Text, IReadOnlyDictionary<string, double> Terms, string? Error)
{
    /// <summary>Number of the answer within its group.</summary>
    public int Sample { get; init; }

    /// <summary>Sum of the terms.</summary>
    public double Reward => Terms.Values.Sum();

    /// <summary>Advantage within the group.</summary>
    public double Advantage { get; set; }

    /// <summary>Log-probabilities [T] that the trainer computed with the weights that drew the answer; null where it did not.</summary>
    public float[]? TrainLogprobs { get; set; }

    /// <summary>True where the limit ended it.</summary>
    public bool IsTruncated => Answer.StopReason == FinishReason.Length;
}

/// <summary>The answers to one prompt.</summary>
/// <param name="Number">Number of the prompt within its step.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Answers">All answers.</param>
public sealed record RolloutGroup(int Number, RlPrompt Prompt, IReadOnlyList<JudgedAnswer> Answers)
{
    /// <summary>Answers whose grader did not fail.</summary>
    public IReadOnlyList<JudgedAnswer> Judged { get; } = [.. Answers.Where(static answer => answer.Error is null)];

    /// <summary>Rewards of <see cref="Judged"/>.</summary>
    public double[] Rewards => [.. Judged.Select(static answer => answer.Reward)];

    /// <summary>True when all rewards are equal, so that the group has nothing to teach.</summary>
    public bool IsFlat => Advantages.IsFlat(Rewards);
}

/// <summary>What was generated for one step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Groups">Groups to train on.</param>
/// <param name="All">All groups, dropped ones too.</param>
/// <param name="PolicyVersion">Optimiser steps behind the weights that drew them.</param>
/// <param name="Rounds">Rounds of sampling.</param>
/// <param name="Window">Most tokens of an answer.</param>
/// <param name="RolloutTime">Time of drawing.</param>
/// <param name="RewardTime">Time of judging.</param>
public sealed record RolloutBatch(
    long Step, IReadOnlyList<RolloutGroup> Groups, IReadOnlyList<RolloutGroup> All, long PolicyVersion, int Rounds, int Window, TimeSpan RolloutTime, TimeSpan RewardTime)
{
    /// <summary>Tokens of all answers, dropped ones too.</summary>
    public long GeneratedTokens => All.Sum(static group => group.Answers.Sum(static answer => (long)answer.Answer.Tokens.Length));
}
