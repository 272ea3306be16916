using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>DAPO's soft punishment of long answers: 0 up to MaxTokens − CacheTokens, then linear down to −1 at MaxTokens and beyond.</summary>
/// <param name="MaxTokens">Longest answer.</param>
/// <param name="CacheTokens">Length of the slope.</param>
public sealed record OverlongPenalty(int MaxTokens, int CacheTokens)
{
    /// <summary>The penalty of an answer of <paramref name="length"/> tokens, −1 to 0.</summary>
    public double Of(int length) => Math.Clamp((MaxTokens - CacheTokens - length) / (double)CacheTokens, -1, 0);

    /// <summary>The penalty as a term of the reward.</summary>
    public Reward AsReward() => new("overlong", (rollout, _) => ValueTask.FromResult(Of(rollout.PolicyTokens)));

    /// <summary>Refuses a slope that does not fit.</summary>
    /// <exception cref="InvalidInputException">Says how to mend it.</exception>
    public void Validate()
    {
        if (CacheTokens < 1 || CacheTokens > MaxTokens)
        {
            throw new InvalidInputException($"The overlong penalty begins {CacheTokens} tokens before the limit of {MaxTokens}; give 1 to {MaxTokens}.");
        }
    }
}
