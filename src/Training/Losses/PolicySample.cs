namespace MiniMaxSharp.Training;

/// <summary>One answer as the policy loss takes it. P prompt tokens, then T that followed.</summary>
public sealed record PolicySample
{
    /// <summary>Ids [P + T].</summary>
    public required int[] Tokens { get; init; }

    /// <summary>P, at least 1.</summary>
    public required int PromptLength { get; init; }

    /// <summary>Log-probabilities [T] of the policy that is the anchor of the ratio.</summary>
    public required float[] OldLogprobs { get; init; }

    /// <summary>Log-probabilities [T] when the tokens were drawn; null where the anchor is just that.</summary>
    public float[]? RolloutLogprobs { get; init; }

    /// <summary>[T] 0 for tokens of tools and users; null where all are the policy's.</summary>
    public int[]? LossMask { get; init; }

    /// <summary>Advantage of the answer.</summary>
    public required double Advantage { get; init; }

    /// <summary>Experts [tokens that ran, L, K] that the engine chose, for the trainer to take the same; null where it chooses.</summary>
    public byte[]? Routes { get; init; }

    /// <summary>Number of its prompt.</summary>
    public int Group { get; init; }

    /// <summary>Its number within the group.</summary>
    public int Number { get; init; }

    /// <summary>T.</summary>
    public int Length => Tokens.Length - PromptLength;

    /// <summary>Tokens in the loss.</summary>
    public int PolicyTokens => LossMask is null ? Length : LossMask.Count(static mask => mask != 0);
}
