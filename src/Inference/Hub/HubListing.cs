using System.IO.Enumeration;

namespace MiniMaxSharp.Inference;

/// <summary>The files of a repository at one commit.</summary>
/// <param name="Repo">Repository, for example <c>OWNER/NAME</c>.</param>
/// <param name="Revision">Branch, tag or commit that was asked for.</param>
/// <param name="Commit">Commit that the hub answered; null when it names none.</param>
/// <param name="Files">The files, by path.</param>
public sealed record HubListing(string Repo, string Revision, string? Commit, IReadOnlyList<HubFile> Files)
{
    /// <summary>What a model needs, and nothing that runs code when loaded. Applies to the top folder only.</summary>
    public static IReadOnlyList<string> DefaultIncludes { get; } =
    [
        "config.json", "generation_config.json", "tokenizer*", "merges.txt", "vocab.json", "*.safetensors", "*.safetensors.index.json",
    ];

    /// <summary>Bytes of all files.</summary>
    public long TotalBytes => Files.Sum(file => file.Size);

    /// <summary>
    /// Only the files that match one of <paramref name="includes"/> (<see cref="DefaultIncludes"/> when empty) and none of
    /// <paramref name="excludes"/>. A <c>*</c> stands for any characters, slashes too; <c>?</c> for one; a pattern that ends in a slash for all below.
    /// </summary>
    /// <exception cref="InvalidInputException">No file is left.</exception>
    public HubListing Select(IReadOnlyList<string> includes, IReadOnlyList<string> excludes)
    {
        var patterns = includes.Count > 0 ? includes : DefaultIncludes;
        var selected = Files
            .Where(file => includes.Count > 0 || !file.Path.Contains('/', StringComparison.Ordinal))
            .Where(file => patterns.Any(pattern => Matches(pattern, file.Path)) && !excludes.Any(pattern => Matches(pattern, file.Path)))
            .ToList();
        if (selected.Count == 0)
        {
            var names = string.Join(", ", Files.Take(12).Select(file => HubPath.Printable(file.Path)));
            throw new InvalidInputException(
                $"{Repo} at {Revision} has no file that matches {string.Join(", ", patterns)}"
                + (excludes.Count > 0 ? $" without {string.Join(", ", excludes)}. " : ". ")
                + $"It has {Files.Count} files: {names}{(Files.Count > 12 ? ", …" : "")}. Choose with --include.");
        }

        return this with { Files = selected };
    }

    /// <summary>True for the hexadecimal digits of a git commit.</summary>
    internal static bool IsCommit(string text) => text.Length is 40 or 64 && text.All(char.IsAsciiHexDigit);

    private static bool Matches(string pattern, string path) =>
        FileSystemName.MatchesSimpleExpression(pattern.EndsWith('/') ? pattern + "*" : pattern, path, ignoreCase: false);
}
