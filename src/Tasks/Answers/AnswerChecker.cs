using System.Numerics;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// Says whether an answer equals the gold answer: numbers as exact fractions; surds and expressions with variables by their values at random
/// points; sets, tuples, intervals, matrices part by part; units and percentages converted. Texts are compared without case.
/// It never throws on any text, and its time is bounded (evaluation.md, Common; MATH-500).
/// </summary>
public static class AnswerChecker
{
    private const int MaxParts = 200;
    private const int MaxNesting = 8;
    private const double Tolerance = 1e-10;

    /// <summary>True when the answer equals the gold answer.</summary>
    public static bool Equal(string gold, string answer)
    {
        if (answer.Length > ReasoningTask.MaxAnswerLength || answer.Length > 2000 + (4 * gold.Length))
        {
            return false;
        }

        var (g, a) = (AnswerText.Normalize(gold), AnswerText.Normalize(answer));
        if (a.Length == 0 || g.Length == 0)
        {
            return false;
        }

        return SameWords(g, a) || Same(AnswerText.WithoutThousands(g), AnswerText.WithoutThousands(a), MaxNesting) || Same(g, a, MaxNesting);
    }

    private static bool SameWords(string gold, string answer)
    {
        // Letters alone keep their case when there is but one: the variables x and X differ, the choices A and a do not occur together.
        var (g, a) = (AnswerText.Words(gold), AnswerText.Words(answer));
        return g.Length > 0 && g == a && (gold == answer || g.Length > 1 || char.IsUpper(gold.Trim('(', ')', ' ')[0])) && !(IsInterval(gold) ^ IsInterval(answer));
    }

    private static bool IsInterval(string text) => text.StartsWith('(') && text.Contains(',', StringComparison.Ordinal);

    private static bool Same(string gold, string answer, int nesting)
    {
        if (nesting == 0)
        {
            return false;
        }

        var (g, a) = (AnswerShape.Of(gold), AnswerShape.Of(answer));
        if (g.Parts.Count > MaxParts || a.Parts.Count > MaxParts)
        {
            return false;
        }

        if (g.Kind == ShapeKind.Scalar && a.Kind == ShapeKind.Scalar)
        {
            return SameScalar(gold, answer);
        }

        if (g.Kind == ShapeKind.Equation || a.Kind == ShapeKind.Equation)
        {
            return SameEquation(g, a, nesting);
        }

        if (!AnswerShape.Comparable(g, a))
        {
            return false;
        }

        var isUnordered = g.Kind is ShapeKind.Set or ShapeKind.Union || a.Kind is ShapeKind.Set or ShapeKind.Union || (g.Kind == ShapeKind.List && a.Kind == ShapeKind.List);
        return isUnordered
            ? SameUnordered(g, a, nesting)
            : g.Parts.Count == a.Parts.Count && g.Parts.Zip(a.Parts).All(pair => Same(pair.First, pair.Second, nesting - 1));
    }

    /// <summary>Every part of each side has its equal on the other; a set counts no part twice.</summary>
    private static bool SameUnordered(AnswerShape gold, AnswerShape answer, int nesting)
    {
        if (gold.Parts.Count * answer.Parts.Count > 2500 || (gold.Kind == ShapeKind.List && gold.Parts.Count != answer.Parts.Count))
        {
            return false;
        }

        var covered = new bool[answer.Parts.Count];
        foreach (var part in gold.Parts)
        {
            var found = false;
            for (var i = 0; i < covered.Length; i++)
            {
                if (Same(part, answer.Parts[i], nesting - 1))
                {
                    covered[i] = found = true;
                }
            }

            if (!found)
            {
                return false;
            }
        }

        return covered.All(isCovered => isCovered);
    }

    /// <summary><c>x = 3</c> against <c>3</c>, and equations that differ by a constant factor or by their order.</summary>
    private static bool SameEquation(AnswerShape gold, AnswerShape answer, int nesting)
    {
        if (gold.Kind != ShapeKind.Equation)
        {
            return answer.IsAssignment && Same(gold.Text, answer.Parts[^1], nesting - 1);
        }

        if (answer.Kind != ShapeKind.Equation)
        {
            return gold.IsAssignment && Same(gold.Parts[^1], answer.Text, nesting - 1);
        }

        if (gold.IsAssignment && answer.IsAssignment && gold.Parts[0].Trim() == answer.Parts[0].Trim() && Same(gold.Parts[^1], answer.Parts[^1], nesting - 1))
        {
            return true;
        }

        if (gold.Parts.Count != 2 || answer.Parts.Count != 2)
        {
            return false;
        }

        var sides = gold.Parts.Concat(answer.Parts).Select(ExpressionParser.Parse).ToArray();
        return sides.All(side => side is not null) && Proportional(Expression.Binary('-', sides[0]!, sides[1]!), Expression.Binary('-', sides[2]!, sides[3]!));
    }

    private static bool Proportional(Expression gold, Expression answer)
    {
        Complex? ratio = null;
        var agree = 0;
        foreach (var (g, a) in Points(gold, answer))
        {
            if (!IsFinite(g) || !IsFinite(a) || g.Magnitude < 1e-9)
            {
                continue;
            }

            ratio ??= a / g;
            if (ratio.Value.Magnitude < 1e-9 || !Close(a / g, ratio.Value))
            {
                return false;
            }

            agree++;
        }

        return agree >= 4;
    }

    private static bool SameScalar(string gold, string answer)
    {
        var (g, a) = (MeasuredValue.Of(gold), MeasuredValue.Of(answer));
        if (AnswerText.Words(g.Text) == AnswerText.Words(a.Text) && g.Text.Length > 1 && g.Unit == a.Unit && g.IsPercent == a.IsPercent && !g.Text.Contains('∞'))
        {
            return true;
        }

        if (Parse(g.Text) is not { } left || Parse(a.Text) is not { } right || a.FactorTo(g) is not { } factor)
        {
            return false;
        }

        right = factor == Rational.Of(1) ? right : Expression.Binary('*', right, Expression.Number(factor));
        if (g.IsPercent == a.IsPercent)
        {
            return SameValue(left, right);
        }

        // "50 %" may answer 0.5, and also 50 where the question asked how many percent; 0.5 % may not answer 0.5.
        var hundred = Expression.Number(Rational.Of(100));
        return g.IsPercent
            ? SameValue(left, right) || SameValue(Expression.Binary('/', left, hundred), right)
            : SameValue(left, Expression.Binary('/', right, hundred)) || (left.Exact() is { } value && value.ToDouble() > 1 && SameValue(left, right));
    }

    /// <summary>An expression, but no product of the letters of a word.</summary>
    private static Expression? Parse(string text)
    {
        var run = 0;
        for (var i = 0; i < text.Length; i++)
        {
            run = char.IsAsciiLetter(text[i]) ? run + 1 : 0;
            if (run > 8 && !text.Contains('\\', StringComparison.Ordinal))
            {
                return null;
            }
        }

        return ExpressionParser.Parse(text);
    }

    private static bool SameValue(Expression gold, Expression answer)
    {
        if (gold.Exact() is { } g && answer.Exact() is { } a)
        {
            return g == a;
        }

        if (gold == answer) // Also infinity, which has no value.
        {
            return true;
        }

        var agree = 0;
        foreach (var (left, right) in Points(gold, answer))
        {
            if (!IsFinite(left) && !IsFinite(right))
            {
                continue; // Both undefined here; what is undefined everywhere equals nothing.
            }

            if (!IsFinite(left) || !IsFinite(right) || !Close(left, right))
            {
                return false;
            }

            agree++;
        }

        return agree >= 4;
    }

    /// <summary>The values of both at fixed pseudo-random points, signs mixed; variables of both sides get the same values.</summary>
    private static IEnumerable<(Complex Gold, Complex Answer)> Points(Expression gold, Expression answer)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        gold.CollectVariables(names);
        answer.CollectVariables(names);
        if (names.Count > 20)
        {
            yield break;
        }

        var random = new TaskRandom(20250616);
        for (var point = 0; point < 12; point++)
        {
            var values = names.ToDictionary(name => name, _ => new Complex((random.Below(2_000_001) - (point < 6 ? 0 : 1_000_000)) / 271_828.0, 0), StringComparer.Ordinal);
            yield return (gold.At(name => values[name]), answer.At(name => values[name]));
        }
    }

    private static bool IsFinite(Complex value) => double.IsFinite(value.Real) && double.IsFinite(value.Imaginary);

    private static bool Close(Complex a, Complex b) => (a - b).Magnitude <= Tolerance * Math.Max(1e-3, Math.Max(a.Magnitude, b.Magnitude));
}
