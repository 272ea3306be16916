using System.Globalization;

namespace MiniMaxSharp.Tasks;

/// <summary>A calculator as a tool: exact rationals, and floating point for roots and functions. Length, depth and size of numbers are bounded.</summary>
public static class Calculator
{
    private const int MaxLength = 300;

    /// <summary>The tool <c>calculate</c>.</summary>
    public static Tool Tool { get; } = new(
        "calculate",
        "Evaluates an arithmetic expression exactly, such as (12 + 3) * 4 / 7, 2^10 or sqrt(2).",
        [("expression", "Numbers, + - * / ^, brackets, and functions such as sqrt.")],
        arguments => Evaluate(arguments[0]));

    /// <summary>The value as text; one that begins with <c>error:</c> where there is none.</summary>
    public static string Evaluate(string expression)
    {
        if (expression.Length > MaxLength)
        {
            return $"error: the expression is longer than {MaxLength} characters";
        }

        if (ExpressionParser.Parse(AnswerText.WithoutThousands(AnswerText.Normalize(expression))) is not { } parsed)
        {
            return "error: this is no arithmetic expression";
        }

        var names = new SortedSet<string>(StringComparer.Ordinal);
        parsed.CollectVariables(names);
        if (names.Count > 0)
        {
            return $"error: {names.Min} is a variable; give numbers only";
        }

        if (parsed.Exact() is { } exact)
        {
            return exact.IsInteger
                ? exact.Numerator.ToString(CultureInfo.InvariantCulture)
                : string.Create(CultureInfo.InvariantCulture, $"{exact.Numerator}/{exact.Denominator} = {exact.ToDouble():G12}");
        }

        var value = parsed.At(_ => double.NaN);
        return double.IsFinite(value.Real) && Math.Abs(value.Imaginary) < 1e-12 * Math.Max(1, Math.Abs(value.Real))
            ? value.Real.ToString("G12", CultureInfo.InvariantCulture)
            : "error: there is no real value, or it is too large";
    }
}
