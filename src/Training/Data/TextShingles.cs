using System.Globalization;
using System.Text;

namespace MiniMaxSharp.Training;

/// <summary>Text as a list of word hashes, so that texts that differ in case, punctuation or spacing are the same. An ideograph is a word.</summary>
internal static class TextShingles
{
    /// <summary>A hash for each word.</summary>
    public static List<ulong> Words(string text)
    {
        var words = new List<ulong>();
        var hash = 0UL;
        foreach (var rune in text.Normalize(NormalizationForm.FormKC).EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            if (category == UnicodeCategory.OtherLetter)
            {
                End();
                words.Add(SeededPermutation.Mix(1, (ulong)rune.Value));
            }
            else if (category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark || Rune.IsLetterOrDigit(rune))
            {
                hash = SeededPermutation.Mix(hash + 1, (ulong)Rune.ToLowerInvariant(rune).Value);
            }
            else
            {
                End();
            }
        }

        End();
        return words;

        void End()
        {
            if (hash != 0)
            {
                words.Add(hash);
                hash = 0;
            }
        }
    }

    /// <summary>Hashes of every run of <paramref name="length"/> words.</summary>
    public static IEnumerable<ulong> Runs(List<ulong> words, int length)
    {
        for (var start = 0; start + length <= words.Count; start++)
        {
            yield return Run(words, start, length);
        }
    }

    /// <summary>Hash of one run of words.</summary>
    public static ulong Run(List<ulong> words, int start, int length)
    {
        var hash = (ulong)length;
        for (var i = start; i < start + length; i++)
        {
            hash = SeededPermutation.Mix(hash, words[i]);
        }

        return hash;
    }
}
