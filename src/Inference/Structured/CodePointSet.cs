using System.Globalization;

namespace MiniMaxSharp.Inference;

/// <summary>A set of Unicode scalar values: sorted ranges that neither touch nor contain surrogates.</summary>
internal sealed class CodePointSet
{
    private const int Last = 0x10FFFF;
    private static readonly Lazy<Dictionary<string, List<(int, int)>>> byCategory = new(SortByCategory);

    /// <summary>Every scalar value.</summary>
    public static readonly CodePointSet All = new([(0, Last)]);

    private CodePointSet(IEnumerable<(int Lo, int Hi)> ranges) => Ranges = Normalise(ranges);

    /// <summary>The ranges, both ends included.</summary>
    public IReadOnlyList<(int Lo, int Hi)> Ranges { get; }

    /// <summary>The set of these ranges, in any order.</summary>
    public static CodePointSet Of(params IEnumerable<(int Lo, int Hi)> ranges) => new(ranges);

    /// <summary>The set of these characters.</summary>
    public static CodePointSet Of(string characters) => new(characters.EnumerateRunes().Select(rune => (rune.Value, rune.Value)));

    /// <summary>The characters of a Unicode general category such as <c>L</c> or <c>Lu</c>; null when there is none of this name.</summary>
    public static CodePointSet? OfCategory(string name)
    {
        var parts = byCategory.Value.Where(category => category.Key.StartsWith(name, StringComparison.Ordinal)).ToList();
        return name.Length is 1 or 2 && parts.Count > 0 ? new CodePointSet(parts.SelectMany(part => part.Value)) : null;
    }

    /// <summary>What is in either set.</summary>
    public CodePointSet Union(CodePointSet other) => new(Ranges.Concat(other.Ranges));

    /// <summary>What is in both sets.</summary>
    public CodePointSet Intersect(CodePointSet other) => Complement().Union(other.Complement()).Complement();

    /// <summary>Every other scalar value.</summary>
    public CodePointSet Complement()
    {
        var ranges = new List<(int, int)>();
        var next = 0;
        foreach (var (lo, hi) in Ranges)
        {
            ranges.Add((next, lo - 1));
            next = hi + 1;
        }

        ranges.Add((next, Last));
        return new CodePointSet(ranges);
    }

    private static Dictionary<string, List<(int, int)>> SortByCategory()
    {
        // In the order of UnicodeCategory.
        string[] names = [.. "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Cn".Split(' ')];
        var sorted = names.ToDictionary(name => name, _ => new List<(int, int)>(), StringComparer.Ordinal);
        for (var c = 0; c <= Last; c++)
        {
            var ranges = sorted[names[(int)CharUnicodeInfo.GetUnicodeCategory(c)]];
            if (ranges.Count > 0 && ranges[^1].Item2 == c - 1)
            {
                ranges[^1] = (ranges[^1].Item1, c);
            }
            else
            {
                ranges.Add((c, c));
            }
        }

        return sorted;
    }

    private static List<(int Lo, int Hi)> Normalise(IEnumerable<(int Lo, int Hi)> ranges)
    {
        var merged = new List<(int Lo, int Hi)>();
        var pieces = ranges.SelectMany(range => new[] { (range.Lo, Hi: Math.Min(range.Hi, 0xD7FF)), (Lo: Math.Max(range.Lo, 0xE000), range.Hi) });
        foreach (var (lo, hi) in pieces.Where(range => range.Lo <= range.Hi).Order())
        {
            if (merged.Count > 0 && lo <= merged[^1].Hi + 1)
            {
                merged[^1] = (merged[^1].Lo, Math.Max(merged[^1].Hi, hi));
            }
            else
            {
                merged.Add((lo, hi));
            }
        }

        return merged;
    }
}
