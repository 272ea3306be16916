namespace MiniMaxSharp.Inference;

/// <summary>An entry of <c>added_tokens</c>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The text that it stands for.</param>
/// <param name="Special">Left out when decoding with <c>skipSpecial</c>.</param>
/// <param name="Normalized">Looked for in the normalised text, not in the raw text.</param>
internal sealed record AddedToken(int Id, string Content, bool Special = true, bool Normalized = false);

/// <summary>What the files of a tokenizer say, checked; both file formats are read into this.</summary>
internal sealed class TokenizerParts
{
    /// <summary>Takes the parts.</summary>
    public TokenizerParts(Vocabulary vocabulary, int[] byteIds, MergeTable merges, IReadOnlyList<AddedToken> addedTokens)
    {
        Vocabulary = vocabulary;
        ByteIds = byteIds;
        Merges = merges;
        AddedTokens = addedTokens;
    }

    /// <summary>All tokens; the added ones are not in its index.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>Id of each of the 256 byte values.</summary>
    public int[] ByteIds { get; }

    /// <summary>The merges.</summary>
    public MergeTable Merges { get; }

    /// <summary>The added tokens.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>Text is brought into NFC first.</summary>
    public bool NormalizesToNfc { get; init; }

    /// <summary>A piece that is a token is that token, whatever the merges say (<c>ignore_merges</c>).</summary>
    public bool IgnoresMerges { get; init; }
}
