using System.Text;
using System.Text.RegularExpressions;

namespace MiniMaxSharp.Tasks;

/// <summary>Brings the spellings of one answer together: LaTeX layout, full-width signs, thousands separators, units.</summary>
internal static partial class AnswerText
{
    /// <summary>What the end of a LaTeX row becomes, so that no backslash of it joins what follows.</summary>
    public const string RowEnd = "↵";

    private static readonly (string From, string To)[] spellings =
    [
        ("\\\\", RowEnd), ("\\!", ""), ("\\,", " "), ("\\;", " "), ("\\:", " "), ("\\ ", " "), ("\\quad", " "), ("~", " "),
        ("\\displaystyle", ""), ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\cfrac", "\\frac"), ("\\dbinom", "\\binom"), ("\\tbinom", "\\binom"),
        ("\\cdot", "*"), ("\\times", "*"), ("\\div", "/"), ("\\ast", "*"), ("\\leq", "<="), ("\\geq", ">="), ("\\le", "<="), ("\\ge", ">="),
        ("\\lt", "<"), ("\\gt", ">"), ("\\neq", "!="), ("\\ne", "!="), ("\\approx", "="), ("\\infty", "∞"), ("\\pi", "π"), ("\\pm", "±"),
        ("\\cup", "∪"), ("\\in", "∈"), ("\\{", "⦃"), ("\\}", "⦄"), ("\\lbrace", "⦃"), ("\\rbrace", "⦄"), ("\\lvert", "|"), ("\\rvert", "|"), ("\\mid", "|"),
        ("^{\\circ}", "°"), ("^\\circ", "°"), ("\\degree", "°"), ("\\%", "%"), ("\\$", "$"), ("\\emptyset", "∅"), ("\\varnothing", "∅"),
        ("{,}", ","), ("，", ","), ("（", "("), ("）", ")"), ("：", ":"), ("；", ";"), ("。", "."), ("．", "."), ("、", ","), ("％", "%"),
        ("−", "-"), ("–", "-"), ("—", "-"), ("－", "-"), ("＋", "+"), ("×", "*"), ("·", "*"), ("⋅", "*"), ("÷", "/"), ("＝", "="), ("≤", "<="), ("≥", ">="),
        ("√", "\\sqrt"), ("²", "^2"), ("³", "^3"), ("½", "\\frac{1}{2}"), ("¼", "\\frac{1}{4}"), ("¾", "\\frac{3}{4}"), ("**", "^"),
    ];

    /// <summary>The answer in the signs that the parsers know. The length stays below four times the input's.</summary>
    public static string Normalize(string answer)
    {
        var plain = Sizes().Replace(FullWidthDigits(answer.Trim()), "");
        foreach (var (from, to) in spellings)
        {
            if (plain.Contains(from, StringComparison.Ordinal))
            {
                plain = from.Length > 2 && from[0] == '\\' && char.IsAsciiLetter(from[^1]) ? ReplaceCommand(plain, from, to) : plain.Replace(from, to, StringComparison.Ordinal);
            }
        }

        plain = Wrapper().Replace(plain, match => match.Groups[1].Value);
        plain = Styled().Replace(plain, match => match.Groups[1].Value + " ");
        plain = plain.Replace("\\(", "", StringComparison.Ordinal).Replace("\\)", "", StringComparison.Ordinal);
        plain = plain.Replace("\\[", "", StringComparison.Ordinal).Replace("\\]", "", StringComparison.Ordinal);
        plain = plain.Replace("$", "", StringComparison.Ordinal).Trim();
        return plain.TrimEnd('.', ';', ',', ' ');
    }

    /// <summary>The same without the separators of thousands in whole groups: <c>12,345</c> but not <c>12, 345</c> or <c>1,23</c>.</summary>
    public static string WithoutThousands(string text) => Thousands().Replace(text, match => match.Value.Replace(",", "", StringComparison.Ordinal));

    /// <summary>Words for comparison: small letters, one space, no outer brackets or quotes.</summary>
    public static string Words(string text) => Spaces().Replace(text.ToLowerInvariant(), " ").Trim(' ', '"', '\'', '(', ')', '.', '“', '”');

    /// <summary>Replaces a command where no further letter continues its name: <c>\le</c> but not <c>\left</c>.</summary>
    private static string ReplaceCommand(string text, string from, string to)
    {
        var result = new StringBuilder(text.Length);
        var start = 0;
        for (var at = text.IndexOf(from, StringComparison.Ordinal); at >= 0; at = text.IndexOf(from, at + from.Length, StringComparison.Ordinal))
        {
            var end = at + from.Length;
            if (end < text.Length && char.IsAsciiLetter(text[end]))
            {
                continue;
            }

            result.Append(text, start, at - start).Append(to);
            start = end;
        }

        return result.Append(text, start, text.Length - start).ToString();
    }

    private static string FullWidthDigits(string text) =>
        string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = source[i] is >= '０' and <= '９' ? (char)(source[i] - '０' + '0') : source[i];
            }
        });

    [GeneratedRegex(@"\\(?:left|right|[bB]igg?)(?![a-zA-Z])\.?")]
    private static partial Regex Sizes();

    [GeneratedRegex(@"^\\(?:boxed|fbox)\{([^{}]*)\}$")]
    private static partial Regex Wrapper();

    [GeneratedRegex(@"\\(?:text|mathrm|textbf|mathbf|textit|operatorname|mbox|rm|bf)\s*\{([^{}]*)\}")]
    private static partial Regex Styled();

    [GeneratedRegex(@"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])")]
    private static partial Regex Thousands();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
