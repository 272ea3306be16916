namespace MiniMaxSharp.Inference;

/// <summary>Hash that a hub lists for a file.</summary>
/// <param name="IsGitBlob">True: SHA-1 of a git blob (<c>"blob SIZE\0"</c> and the content); false: SHA-256 of the content.</param>
/// <param name="Hex">Lower-case hexadecimal digits.</param>
public readonly record struct HubHash(bool IsGitBlob, string Hex)
{
    /// <summary>Name of the algorithm.</summary>
    public string Algorithm => IsGitBlob ? "git-sha1" : "sha256";

    /// <inheritdoc/>
    public override string ToString() => $"{Algorithm}:{Hex}";

    /// <summary>The hash in a listing's text, or null where that is none.</summary>
    internal static HubHash? Parse(bool isGitBlob, string? text)
    {
        const string prefix = "sha256:";
        var hex = text is not null && text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? text[prefix.Length..] : text;
        return hex?.Length == (isGitBlob ? 40 : 64) && hex.All(char.IsAsciiHexDigit) ? new HubHash(isGitBlob, hex.ToLowerInvariant()) : null;
    }
}

/// <summary>One file of a repository, as the hub lists it. The path is not yet trusted: <see cref="HubPath"/>.</summary>
/// <param name="Path">Path inside the repository, with slashes.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Hash">Its hash, where the hub gives one.</param>
/// <param name="Revision">Commit, or else branch or tag, at which it is fetched.</param>
public sealed record HubFile(string Path, long Size, HubHash? Hash, string Revision)
{
    /// <summary>What pins the content: its hash, or the commit; null when neither is known, so that nothing can be resumed.</summary>
    public string? Identity => Hash?.ToString() ?? (HubListing.IsCommit(Revision) ? "commit:" + Revision : null);

    /// <summary>The 16 digits by which a partial file tells what it is a part of.</summary>
    internal string PartKey => Hash?.Hex[..16] ?? (HubListing.IsCommit(Revision) ? Revision[..16] : new string('0', 16));
}
