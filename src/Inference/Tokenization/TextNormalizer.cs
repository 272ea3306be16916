using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Brings text into Unicode normalisation form C (NFC), as the tokenizer files of this family ask for.
/// .NET takes NFC from the system's ICU library; without it (InvariantGlobalization) its Normalize silently returns the text as it is,
/// so that is detected once and text that needs normalising is refused instead of being encoded wrongly.
/// </summary>
internal sealed class TextNormalizer
{
    private const int LongestMarkRun = 1000;

    // All characters up to here are in NFC, and none of them combines with what stands before it.
    private const char LastBeforeMarks = '\u02FF';

    // The one valid character that .NET's Normalize does not take. Nothing combines with it.
    private const char Refused = '\uFFFE';

    private readonly bool platformNormalizes;

    /// <summary>Asks the platform.</summary>
    public TextNormalizer()
        : this("e\u0301".Normalize(NormalizationForm.FormC) == "\u00E9")
    {
    }

    /// <summary>Assumes the answer; for tests.</summary>
    public TextNormalizer(bool platformNormalizes) => this.platformNormalizes = platformNormalizes;

    /// <summary>The text in NFC; the same span when it is so already. Lone surrogates become U+FFFD.</summary>
    /// <exception cref="InvalidInputException">The text may need NFC and the platform cannot do it, or it is a hostile heap of combining marks.</exception>
    public ReadOnlySpan<char> Normalize(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyExceptInRange('\0', LastBeforeMarks))
        {
            return text;
        }

        var whole = ReplaceLoneSurrogates(text);
        if (!this.platformNormalizes)
        {
            RefuseWhatMayChange(whole);
            return whole;
        }

        RefuseEndlessMarks(whole);
        return whole.Contains(Refused) ? NormalizeParts(whole) : NormalizeValid(whole);
    }

    private static ReadOnlySpan<char> NormalizeValid(ReadOnlySpan<char> text) =>
        text.IsNormalized(NormalizationForm.FormC) ? text : text.ToString().Normalize(NormalizationForm.FormC);

    private static string NormalizeParts(ReadOnlySpan<char> text)
    {
        var normalized = new StringBuilder(text.Length);
        foreach (var range in text.Split(Refused))
        {
            normalized.Append(NormalizeValid(text[range])).Append(Refused);
        }

        return normalized.ToString(0, normalized.Length - 1);
    }

    /// <summary>ICU sorts a run of different combining marks in quadratic time, so a hostile megabyte of them would take many minutes.</summary>
    private static void RefuseEndlessMarks(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAnyExceptInRange('\0', LastBeforeMarks) is var start and >= 0)
        {
            text = text[start..];
            Rune.DecodeFromUtf16(text, out var first, out _);
            var (marks, length, differ) = (0, 0, false);
            foreach (var rune in text.EnumerateRunes())
            {
                if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark))
                {
                    break;
                }

                differ |= rune != first;
                length += rune.Utf16SequenceLength;
                if (++marks > LongestMarkRun && (differ || !first.ToString().IsNormalized(NormalizationForm.FormD)))
                {
                    throw new InvalidInputException(
                        $"The text has more than {LongestMarkRun} combining marks after one another, which no writing system uses and which take very long to normalise. Remove them.");
                }
            }

            text = text[Math.Max(length, 1)..];
        }
    }

    private static ReadOnlySpan<char> ReplaceLoneSurrogates(ReadOnlySpan<char> text)
    {
        var rest = text;
        while (rest.IndexOfAnyInRange('\uD800', '\uDFFF') is var at and >= 0)
        {
            if (Rune.DecodeFromUtf16(rest[at..], out _, out var length) != System.Buffers.OperationStatus.Done)
            {
                return Encoding.Unicode.GetString(Encoding.Unicode.GetBytes(text.ToString()));
            }

            rest = rest[(at + length)..];
        }

        return text;
    }

    /// <summary>Lets through only characters of blocks in which NFC changes nothing; the check errs towards refusing.</summary>
    private static void RefuseWhatMayChange(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            var stable = rune.Value is < 0x0300 // Latin
                or (>= 0x0391 and <= 0x0482) // Greek, Cyrillic
                or (>= 0x05D0 and <= 0x05EA) or (>= 0x0620 and <= 0x064A) // Hebrew and Arabic letters
                or (>= 0x1E00 and <= 0x1EFF) // Latin Extended Additional
                or (>= 0x2010 and <= 0x2027) or (>= 0x202F and <= 0x20CF) // punctuation, currency
                or (>= 0x2190 and <= 0x2328) or (>= 0x232B and <= 0x2ADB) // arrows, mathematics, symbols
                or (>= 0x3000 and <= 0x3029) or (>= 0x3041 and <= 0x3096) or (>= 0x309B and <= 0x30FF) // CJK punctuation, kana
                or (>= 0x3400 and <= 0x9FFF) or (>= 0xAC00 and <= 0xD7A3) // ideographs, Hangul syllables
                or 0xFE0F or (>= 0xFF01 and <= 0xFFFD) // emoji selector, full-width forms, replacement character
                or (>= 0x1F000 and <= 0x1FAFF); // emoji
            if (!stable)
            {
                throw new InvalidInputException(
                    string.Create(CultureInfo.InvariantCulture, $"The text contains U+{rune.Value:X4}, so it must be brought into Unicode form NFC before it is tokenised, ") +
                    "but this process runs without ICU (InvariantGlobalization), where .NET cannot do that. " +
                    "Install libicu and turn InvariantGlobalization off, or give text that is plain Latin, Greek, Cyrillic, CJK or emoji.");
            }
        }
    }
}
