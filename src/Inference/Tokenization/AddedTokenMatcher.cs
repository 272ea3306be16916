using System.Buffers;

namespace MiniMaxSharp.Inference;

/// <summary>Finds added tokens in text: the leftmost match and, where several begin at one place, the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly (string Content, int Id)[] longestFirst;
    private readonly SearchValues<string> contents;

    /// <summary>Takes the contents (none empty) and ids.</summary>
    public AddedTokenMatcher(IEnumerable<(string Content, int Id)> tokens)
    {
        longestFirst = [.. tokens.OrderByDescending(token => token.Content.Length)];
        this.contents = SearchValues.Create([.. longestFirst.Select(token => token.Content)], StringComparison.Ordinal);
    }

    /// <summary>The first added token in the text: where it is (-1: there is none), its length in UTF-16 units and its id.</summary>
    public int Find(ReadOnlySpan<char> text, out int length, out int id)
    {
        (length, id) = (0, 0);
        var at = longestFirst.Length == 0 ? -1 : text.IndexOfAny(this.contents);
        if (at < 0)
        {
            return -1;
        }

        foreach (var token in longestFirst)
        {
            if (text[at..].StartsWith(token.Content, StringComparison.Ordinal))
            {
                (length, id) = (token.Content.Length, token.Id);
                break;
            }
        }

        return at;
    }
}
