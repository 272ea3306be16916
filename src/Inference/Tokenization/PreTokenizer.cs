using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Cuts text into the pieces inside which merges happen. It is a hand-written matcher for the one pattern of this model family
/// (<see cref="Pattern"/>, that of o200k), over whole characters, so letters beyond U+FFFF count as letters.
/// The alternatives of the pattern are tried in order and cover every character, so the pieces make up the whole text.
/// </summary>
internal static class PreTokenizer
{
    /// <summary>The pattern as <c>tokenizer.json</c> writes it.</summary>
    public const string Pattern =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?" +
        @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?" +
        @"|\p{N}{1,3}" +
        @"| ?[^\s\p{L}\p{N}]+[\r\n/]*" +
        @"|\s*[\r\n]+" +
        @"|\s+(?!\S)" +
        @"|\s+";

    // Classes of characters, one bit each; the sets of the pattern are unions of them.
    private const byte Upper = 1;     // Lu, Lt
    private const byte Lower = 2;     // Ll
    private const byte Caseless = 4;  // Lm, Lo
    private const byte Mark = 8;      // Mn, Mc, Me
    private const byte Number = 16;   // Nd, Nl, No
    private const byte NewLine = 32;  // \r, \n
    private const byte Blank = 64;    // other white space
    private const byte Other = 128;

    private const byte UpperSet = Upper | Caseless | Mark;
    private const byte LowerSet = Lower | Caseless | Mark;
    private const byte PrefixSet = Mark | Blank | Other;
    private const byte SymbolSet = Mark | Other;
    private const byte WhiteSpace = NewLine | Blank;

    private static readonly byte[] AsciiClass = [.. Enumerable.Range(0, 128).Select(value => ClassOf(new Rune(value)))];

    /// <summary>End of the piece that begins at <paramref name="start"/>, a character border before the end of the valid UTF-8 text.</summary>
    public static int EndOfPiece(ReadOnlySpan<byte> text, int start)
    {
        var first = ClassAt(text, start, out var afterFirst);
        var end = EndOfWord(text, start, first, afterFirst);
        if (end > 0)
        {
            return EndOfContraction(text, end);
        }

        if (first == Number)
        {
            return EndOfDigits(text, afterFirst);
        }

        if (first == Other)
        {
            return EndOfSymbols(text, afterFirst);
        }

        if (text[start] == ' ' && afterFirst < text.Length && (ClassAt(text, afterFirst, out var afterSecond) & SymbolSet) != 0)
        {
            return EndOfSymbols(text, afterSecond);
        }

        return EndOfWhiteSpace(text, start);
    }

    /// <summary>
    /// The first two alternatives, without the contraction; 0 when neither matches. The optional prefix is any character but a letter,
    /// a number or a line end; a mark may be prefix or part of the word.
    /// </summary>
    private static int EndOfWord(ReadOnlySpan<byte> text, int start, byte first, int afterFirst)
    {
        if ((first & PrefixSet) == 0)
        {
            return (first & (UpperSet | LowerSet)) == 0 ? 0 : Math.Abs(MatchWord(text, start));
        }

        var end = MatchWord(text, afterFirst);
        if (end <= 0 && first == Mark)
        {
            end = MatchWord(text, start);
        }

        return Math.Abs(end);
    }

    /// <summary>
    /// <c>[upper]*[lower]+</c> from <paramref name="start"/>: its end when it matches; the negative end of <c>[upper]+[lower]*</c>
    /// when only that matches; else 0.
    /// </summary>
    private static int MatchWord(ReadOnlySpan<byte> text, int start)
    {
        var at = start;
        var afterLastShared = 0; // end of the last character that is in both sets: where [lower]+ ends after backtracking
        while (at < text.Length)
        {
            var c = ClassAt(text, at, out var after);
            if ((c & UpperSet) == 0)
            {
                if (c == Lower)
                {
                    return EndOfRun(text, after, LowerSet);
                }

                break;
            }

            at = after;
            afterLastShared = c == Upper ? afterLastShared : after;
        }

        if (afterLastShared > 0)
        {
            return afterLastShared;
        }

        return at > start ? -at : 0;
    }

    /// <summary><c>(?i:'s|'t|'re|'ve|'m|'ll|'d)?</c>. The long s (U+017F) equals s when case is ignored.</summary>
    private static int EndOfContraction(ReadOnlySpan<byte> text, int at)
    {
        if (at + 1 >= text.Length || text[at] != '\'')
        {
            return at;
        }

        var second = at + 2 < text.Length ? text[at + 2] | 0x20 : 0;
        return (text[at + 1] | 0x20, second) switch
        {
            ('s' or 't' or 'm' or 'd', _) => at + 2,
            ('r' or 'v', 'e') or ('l', 'l') => at + 3,
            _ => text[at + 1] == 0xC5 && at + 2 < text.Length && text[at + 2] == 0xBF ? at + 3 : at,
        };
    }

    private static int EndOfDigits(ReadOnlySpan<byte> text, int at)
    {
        for (var more = 0; more < 2 && at < text.Length && ClassAt(text, at, out var after) == Number; more++)
        {
            at = after;
        }

        return at;
    }

    private static int EndOfSymbols(ReadOnlySpan<byte> text, int at)
    {
        at = EndOfRun(text, at, SymbolSet);
        while (at < text.Length && text[at] is (byte)'\r' or (byte)'\n' or (byte)'/')
        {
            at++;
        }

        return at;
    }

    /// <summary>
    /// The last three alternatives: up to the last line end of the white space; without one, all of it at the end of the text,
    /// all but its last character before other text, or a lone character.
    /// </summary>
    private static int EndOfWhiteSpace(ReadOnlySpan<byte> text, int start)
    {
        var at = start;
        var lastStart = start;
        var afterLineEnd = 0;
        while (at < text.Length)
        {
            var c = ClassAt(text, at, out var after);
            if ((c & WhiteSpace) == 0)
            {
                break;
            }

            lastStart = at;
            at = after;
            afterLineEnd = c == NewLine ? after : afterLineEnd;
        }

        if (afterLineEnd > 0)
        {
            return afterLineEnd;
        }

        return at == text.Length || lastStart == start ? at : lastStart;
    }

    private static int EndOfRun(ReadOnlySpan<byte> text, int at, byte set)
    {
        while (at < text.Length && (ClassAt(text, at, out var after) & set) != 0)
        {
            at = after;
        }

        return at;
    }

    private static byte ClassAt(ReadOnlySpan<byte> text, int at, out int after)
    {
        var value = text[at];
        if (value < 0x80)
        {
            after = at + 1;
            return AsciiClass[value];
        }

        Rune.DecodeFromUtf8(text[at..], out var rune, out var length);
        after = at + length;
        return ClassOf(rune);
    }

    private static byte ClassOf(Rune rune)
    {
        if (Rune.IsWhiteSpace(rune))
        {
            return rune.Value is '\r' or '\n' ? NewLine : Blank;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => Upper,
            UnicodeCategory.LowercaseLetter => Lower,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Caseless,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Mark,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Number,
            _ => Other,
        };
    }
}
