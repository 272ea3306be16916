using System.Globalization;

namespace MiniMaxSharp.Inference;

/// <content>Escapes and character classes.</content>
internal sealed partial class RegexParser
{
    private static readonly CodePointSet digits = CodePointSet.Of(('0', '9'));
    private static readonly CodePointSet wordCharacters = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));
    private static readonly CodePointSet lineEnds = CodePointSet.Of("\n\r\u2028\u2029");
    private static readonly CodePointSet spaces = CodePointSet.Of("\t\n\v\f\r \u00A0\u1680\u2028\u2029\u202F\u205F\u3000\uFEFF").Union(CodePointSet.Of((0x2000, 0x200A)));

    /// <summary>A class <c>[…]</c>.</summary>
    private CodePointSet ParseClass()
    {
        at++;
        var negated = TryTake('^');
        var set = CodePointSet.Of();
        var ranges = new List<(int, int)>();
        while (!TryTake(']'))
        {
            if (AtEnd)
            {
                throw Error("a class is not closed; add ']'");
            }

            var first = ParseClassAtom();
            if (at + 1 < pattern.Length && pattern[at] == '-' && pattern[at + 1] != ']')
            {
                at++;
                ranges.Add((Single(first), Single(ParseClassAtom())));
                if (ranges[^1].Item1 > ranges[^1].Item2)
                {
                    throw Error("a range of the class is in the wrong order");
                }
            }
            else if (first.Ranges.Count == 1)
            {
                ranges.Add(first.Ranges[0]);
            }
            else
            {
                set = set.Union(first);
            }
        }

        set = set.Union(CodePointSet.Of(ranges));
        return negated ? set.Complement() : set;
    }

    private CodePointSet ParseClassAtom()
    {
        if (AtEnd)
        {
            throw Error("a class is not closed; add ']'");
        }

        if (pattern[at] == '\\')
        {
            return ParseEscape(inClass: true);
        }

        var rune = TakeRune();
        return CodePointSet.Of((rune, rune));
    }

    private int Single(CodePointSet set) => set.Ranges is [var (lo, hi)] && lo == hi ? lo : throw Error("a range needs one character on either side of '-'");

    private CodePointSet ParseEscape(bool inClass)
    {
        at++;
        if (AtEnd)
        {
            throw Error("the pattern ends with '\\'; write '\\\\' for the character");
        }

        var c = pattern[at];
        at++;
        switch (c)
        {
            case 'd' or 'D':
                return c == 'd' ? digits : digits.Complement();
            case 'w' or 'W':
                return c == 'w' ? wordCharacters : wordCharacters.Complement();
            case 's' or 'S':
                return c == 's' ? spaces : spaces.Complement();
            case 'p' or 'P':
                return ParseCategory(c == 'P');
            case 'b' or 'B' when !inClass:
                throw Error($"the word boundary '\\{c}' is not supported; say which characters may stand there");
            case 'k' or (>= '1' and <= '9'):
                throw Error("back-references are not supported; write the group again");
            default:
                var single = ParseSingleEscape(c, inClass);
                return CodePointSet.Of((single, single));
        }
    }

    private int ParseSingleEscape(char c, bool inClass)
    {
        switch (c)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'b' when inClass:
                return '\b';
            case '0' when AtEnd || !char.IsAsciiDigit(pattern[at]):
                return 0;
            case 'c' when !AtEnd && char.IsAsciiLetter(pattern[at]):
                return pattern[at++] % 32;
            case 'x':
                return ReadHex(2);
            case 'u':
                return ReadUnicode();
            default:
                at--;
                return char.IsAsciiLetterOrDigit(c) ? throw Error($"the escape '\\{c}' is not known") : TakeRune();
        }
    }

    private int ReadUnicode()
    {
        if (TryTake('{'))
        {
            var close = pattern.IndexOf('}', at);
            var value = close - at is >= 1 and <= 6 ? ReadHex(close - at) : throw Error("'\\u{' needs up to six hexadecimal digits and '}'");
            at++;
            return value is <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) ? value : throw Error("there is no such character");
        }

        var unit = ReadHex(4);
        if (char.IsHighSurrogate((char)unit) && pattern.AsSpan(at).StartsWith("\\u"))
        {
            at += 2;
            var low = ReadHex(4);
            return char.IsLowSurrogate((char)low) ? char.ConvertToUtf32((char)unit, (char)low) : throw Error("half a surrogate pair");
        }

        return char.IsSurrogate((char)unit) ? throw Error("half a surrogate pair") : unit;
    }

    private int ReadHex(int length)
    {
        if (at + length > pattern.Length
            || !int.TryParse(pattern.AsSpan(at, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            throw Error($"{length} hexadecimal digits are missing");
        }

        at += length;
        return value;
    }

    private CodePointSet ParseCategory(bool negated)
    {
        var close = pattern.IndexOf('}', at);
        if (!TryTake('{') || close < 0)
        {
            throw Error("'\\p' needs a category in braces, such as \\p{L}");
        }

        var name = pattern[at..close];
        var set = CodePointSet.OfCategory(name) ?? throw Error($"'{name}' is not a Unicode general category such as L, Lu or Nd");
        at = close + 1;
        return negated ? set.Complement() : set;
    }
}
