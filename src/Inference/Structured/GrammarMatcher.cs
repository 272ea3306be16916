namespace MiniMaxSharp.Inference;

/// <summary>
/// Follows one generation through a <see cref="Grammar"/>: says which tokens can come next, and takes the one that does.
/// Matchers of one grammar share what they have found out, and can be used by different threads.
/// </summary>
public sealed class GrammarMatcher
{
    private readonly GrammarTables tables;
    private readonly IReadOnlyCollection<int> endIds;
    private Configuration at;
    private bool ended;

    internal GrammarMatcher(GrammarTables tables, int startState, IReadOnlyCollection<int> endIds)
    {
        this.tables = tables;
        this.endIds = endIds;
        at = tables.Begin(startState);
    }

    private GrammarMatcher(GrammarMatcher other)
    {
        (tables, endIds, at, ended) = (other.tables, other.endIds, other.at, other.ended);
    }

    /// <summary>Words of a mask.</summary>
    public int MaskLength => tables.MaskLength;

    /// <summary>Whether the text can end here.</summary>
    public bool CanEnd => at.CanEnd;

    /// <summary>Whether nothing can follow: the turn was ended, or the text is complete and no longer one begins with it.</summary>
    public bool IsFinished => ended || (at.CanEnd && at.Readings.Length == 0);

    /// <summary>A matcher at the same place that goes its own way from here.</summary>
    public GrammarMatcher Clone() => new(this);

    /// <summary>Sets the bits of the tokens that can come next; end tokens are among them where the text can end. Id i is bit i % 32 of word i / 32.</summary>
    /// <param name="mask"><see cref="MaskLength"/> words; overwritten.</param>
    public void FillMask(Span<uint> mask)
    {
        if (mask.Length != MaskLength)
        {
            throw new ArgumentException($"The mask has {mask.Length} words; it needs {MaskLength}.", nameof(mask));
        }

        if (ended)
        {
            mask.Clear();
        }
        else
        {
            at = tables.FillMask(at, mask);
        }

        foreach (var id in CanEnd ? endIds : [])
        {
            if (id < mask.Length * 32)
            {
                mask[id >> 5] |= 1u << id;
            }
        }
    }

    /// <summary>Takes a token. False: it cannot come here, and nothing has changed.</summary>
    public bool Accept(int tokenId)
    {
        if (ended)
        {
            return false;
        }

        if (endIds.Contains(tokenId))
        {
            ended = CanEnd;
            return ended;
        }

        return tables.Bytes(tokenId) is { Length: > 0 } bytes && Accept(bytes);
    }

    /// <summary>Takes bytes of text. False: they cannot come here, and nothing has changed.</summary>
    public bool Accept(ReadOnlySpan<byte> text)
    {
        if (ended || tables.Follow(at, text) is not { } next)
        {
            return false;
        }

        at = next;
        return true;
    }
}
