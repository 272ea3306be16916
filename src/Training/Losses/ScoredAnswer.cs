namespace MiniMaxSharp.Training;

/// <summary>One answer of a packed batch with its reward, as the policy losses of <see cref="Losses"/> take it. T tokens.</summary>
/// <param name="Start">Row of the batch whose log-probability is that of the answer's first token; the T rows from there on are the answer's.</param>
/// <param name="OldLogprobs">Log-probabilities [T] of the policy that drew it.</param>
/// <param name="Reward">Its reward.</param>
/// <param name="Group">Number of its prompt; the answers to one prompt are compared with each other.</param>
public sealed record ScoredAnswer(int Start, float[] OldLogprobs, double Reward, int Group)
{
    /// <summary>[T] 0 for tokens of tools and users; null where all are the policy's.</summary>
    public int[]? LossMask { get; init; }

    /// <summary>|o|: tokens in the loss.</summary>
    public int Tokens => LossMask is null ? OldLogprobs.Length : LossMask.Count(static mask => mask != 0);

    /// <summary>True for token <paramref name="index"/> of the policy.</summary>
    public bool InLoss(int index) => LossMask is null || LossMask[index] != 0;
}
