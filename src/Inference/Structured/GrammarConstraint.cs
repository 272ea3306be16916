namespace MiniMaxSharp.Inference;

/// <summary>The grammar of one running generation: the mask for the sampler, and where the answer stands.</summary>
/// <param name="matcher">Follows the tokens.</param>
public sealed class GrammarConstraint(GrammarMatcher matcher)
{
    private readonly uint[] mask = new uint[matcher.MaskLength];

    /// <summary>True when nothing can follow: the answer is complete, also without an end token.</summary>
    public bool IsFinished => matcher.IsFinished;

    /// <summary>The tokens that can come next, for <see cref="Sampler.Sample"/>; valid until the next call.</summary>
    public ReadOnlySpan<uint> NextMask()
    {
        matcher.FillMask(mask);
        return mask;
    }

    /// <summary>Takes the token that came.</summary>
    /// <exception cref="InvalidOperationException">The mask did not allow it.</exception>
    public void Accept(int tokenId)
    {
        if (!matcher.Accept(tokenId))
        {
            throw new InvalidOperationException($"Token {tokenId} does not fit the grammar here.");
        }
    }
}
