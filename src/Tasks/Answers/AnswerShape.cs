using System.Text.RegularExpressions;

namespace MiniMaxSharp.Tasks;

internal enum ShapeKind
{
    Scalar,
    List,
    Tuple,
    Interval,
    Set,
    Union,
    Matrix,
    Equation,
}

/// <summary>The outermost form of a normalised answer and its parts.</summary>
/// <param name="Kind">The form.</param>
/// <param name="Text">The whole text.</param>
/// <param name="Parts">Its parts; for an equation its sides.</param>
/// <param name="Brackets">Opening and closing bracket, or for a matrix its number of rows.</param>
internal sealed partial record AnswerShape(ShapeKind Kind, string Text, IReadOnlyList<string> Parts, string Brackets = "")
{
    private static readonly string[] listWords = [" and ", " or ", "或者", "或", "和"];

    /// <summary>True for one variable (or a name such as f(x)) on the left.</summary>
    public bool IsAssignment => Kind == ShapeKind.Equation && Assigned().IsMatch(Parts[0].Trim());

    /// <summary>Whether parts of the two may be compared at all.</summary>
    public static bool Comparable(AnswerShape a, AnswerShape b) => (a.Kind, b.Kind) switch
    {
        (ShapeKind.Interval, ShapeKind.Interval) or (ShapeKind.Matrix, ShapeKind.Matrix) => a.Brackets == b.Brackets,
        (ShapeKind.Interval, ShapeKind.Tuple) or (ShapeKind.Tuple, ShapeKind.Interval) => a.Brackets == b.Brackets,
        (ShapeKind.List, ShapeKind.Set) or (ShapeKind.Set, ShapeKind.List) => true,
        (ShapeKind.List, ShapeKind.Tuple) or (ShapeKind.Tuple, ShapeKind.List) => true,
        (ShapeKind.Scalar, ShapeKind.Set) or (ShapeKind.Set, ShapeKind.Scalar) => a.Parts.Count == 1 && b.Parts.Count == 1,
        _ => a.Kind == b.Kind,
    };

    public static AnswerShape Of(string text)
    {
        text = text.Trim();
        if (Matrix(text) is { } matrix)
        {
            return matrix;
        }

        if (Split(text, '∪') is { Count: > 1 } united)
        {
            return new AnswerShape(ShapeKind.Union, text, united);
        }

        if (Membership().Match(text) is { Success: true } member)
        {
            text = text[member.Length..].Trim();
        }

        if (Bracketed(text) is { } bracketed)
        {
            return bracketed;
        }

        if (FromInequality(text) is { } interval)
        {
            return interval;
        }

        return ListOrEquation(text);
    }

    private static AnswerShape ListOrEquation(string text)
    {
        var listed = listWords.Aggregate(text, (current, word) => current.Replace(word, ",", StringComparison.Ordinal)).Replace(";", ",", StringComparison.Ordinal);
        var parts = Split(listed, ',').Where(part => part.Length > 0).SelectMany(BothSigns).ToList();
        if (parts.Count > 1)
        {
            return new AnswerShape(ShapeKind.List, text, parts);
        }

        var sides = Split(text, '=');
        return sides.Count > 1 && sides.All(side => side.Length > 0) && !text.Contains('<') && !text.Contains('>') && !text.Contains('!')
            ? new AnswerShape(ShapeKind.Equation, text, sides)
            : new AnswerShape(ShapeKind.Scalar, text, [text]);
    }

    /// <summary><c>2 ± √3</c> is two answers.</summary>
    private static IEnumerable<string> BothSigns(string part) =>
        part.Contains('±', StringComparison.Ordinal) ? [part.Replace('±', '+'), part.Replace('±', '-')] : [part];

    private static AnswerShape? Bracketed(string text)
    {
        if (text == "∅")
        {
            return new AnswerShape(ShapeKind.Set, text, []);
        }

        if (text.Length < 2 || text[0] is not ('(' or '[' or '{' or '⦃') || text[^1] is not (')' or ']' or '}' or '⦄') || !IsWhole(text))
        {
            return null;
        }

        var inside = text[1..^1];
        var parts = inside.Trim().Length == 0 ? [] : Split(inside, ',');
        var brackets = $"{text[0]}{text[^1]}";
        if (brackets is "⦃⦄" or "{}")
        {
            return brackets == "{}" && parts.Count == 1 ? null : new AnswerShape(ShapeKind.Set, text, [.. parts.SelectMany(BothSigns)], brackets);
        }

        if (parts.Count < 2)
        {
            return null;
        }

        var isInterval = parts.Count == 2 && (brackets != "()" || inside.Contains('∞'));
        return new AnswerShape(isInterval ? ShapeKind.Interval : ShapeKind.Tuple, text, parts, brackets);
    }

    /// <summary><c>x &gt; 3</c>, <c>1 ≤ x &lt; 2</c> and their mirror images as intervals.</summary>
    private static AnswerShape? FromInequality(string text)
    {
        if (text.Length > 200 || !Inequality().IsMatch(text))
        {
            return null;
        }

        var sides = Signs().Split(text).Select(side => side.Trim()).ToArray();
        var signs = Signs().Matches(text).Select(match => match.Value).ToArray();
        if (signs.Length == 2 && IsVariable(sides[1]) && signs[0][0] == signs[1][0])
        {
            return signs[0][0] == '<' ? Interval(sides[0], signs[0], sides[2], signs[1]) : Interval(sides[2], signs[1], sides[0], signs[0]);
        }

        if (signs.Length != 1 || !(IsVariable(sides[0]) ^ IsVariable(sides[1])))
        {
            return null;
        }

        var isBelow = signs[0][0] == '<' == IsVariable(sides[0]);
        var bound = IsVariable(sides[0]) ? sides[1] : sides[0];
        return isBelow ? Interval("-∞", "<", bound, signs[0]) : Interval(bound, signs[0], "∞", "<");
    }

    private static AnswerShape Interval(string low, string lowSign, string high, string highSign)
    {
        var brackets = $"{(lowSign.Length == 2 ? '[' : '(')}{(highSign.Length == 2 ? ']' : ')')}";
        return new AnswerShape(ShapeKind.Interval, $"{brackets[0]}{low},{high}{brackets[1]}", [low, high], brackets);
    }

    private static bool IsVariable(string text) => text.Length == 1 && char.IsAsciiLetter(text[0]);

    private static AnswerShape? Matrix(string text)
    {
        if (!text.StartsWith("\\begin{", StringComparison.Ordinal) || !text.EndsWith('}'))
        {
            return null;
        }

        var start = text.IndexOf('}', StringComparison.Ordinal) + 1;
        var end = text.LastIndexOf("\\end{", StringComparison.Ordinal);
        if (end < start)
        {
            return null;
        }

        var rows = text[start..end].Split(AnswerText.RowEnd).Where(row => row.Trim().Length > 0).Select(row => row.Split('&')).ToArray();
        return new AnswerShape(ShapeKind.Matrix, text, [.. rows.SelectMany(row => row).Select(cell => cell.Trim())], string.Join(',', rows.Select(row => row.Length)));
    }

    /// <summary>True when the first bracket is closed by the last character.</summary>
    private static bool IsWhole(string text)
    {
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            depth += Nesting(text[i]);
            if (depth == 0 && i < text.Length - 1)
            {
                return false;
            }
        }

        return depth == 0;
    }

    /// <summary>Splits at a sign outside of all brackets. Any bracket closes any other, as intervals need.</summary>
    private static List<string> Split(string text, char separator)
    {
        var parts = new List<string>();
        var (depth, start) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += Nesting(text[i]);
            var isPartOfSign = separator == '=' && ((i > 0 && text[i - 1] is '<' or '>' or '!') || text[i] != '=');
            if (text[i] == separator && depth == 0 && !isPartOfSign)
            {
                parts.Add(text[start..i].Trim());
                start = i + 1;
            }
        }

        parts.Add(text[start..].Trim());
        return parts;
    }

    private static int Nesting(char c) => c switch { '(' or '[' or '{' or '⦃' => 1, ')' or ']' or '}' or '⦄' => -1, _ => 0 };

    [GeneratedRegex(@"^(?:[a-zA-Z]|\\[a-z]+)(?:_\{?\w+\}?)?(?:\([a-z]\))?$")]
    private static partial Regex Assigned();

    [GeneratedRegex(@"^[a-zA-Z]\s*∈")]
    private static partial Regex Membership();

    [GeneratedRegex(@"^[^<>=,]+(?:<=?|>=?)[^<>=,]+(?:(?:<=?|>=?)[^<>=,]+)?$")]
    private static partial Regex Inequality();

    [GeneratedRegex("[<>]=?")]
    private static partial Regex Signs();
}
