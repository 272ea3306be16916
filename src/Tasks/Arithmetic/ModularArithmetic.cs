using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A remainder: of a number, of a sum or product, or of a power.</summary>
public sealed class ModularArithmetic()
    : ArithmeticTask("modular-arithmetic", "A remainder.", "1 and 2: a mod m; 3 and 4: (a × b + c) mod m; 5 and 6: a^e mod m", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var m = random.Range(3, 7 + (4 * level));
        var steps = Think(random, language);
        string expression;
        long value;
        if (level <= 2)
        {
            var a = random.WithDigits(level + 1);
            expression = a.ToString(CultureInfo.InvariantCulture);
            value = Remainder(steps, a, m);
        }
        else if (level <= 4)
        {
            var (a, b, c) = (random.Range(10, 40 * level), random.Range(10, 40 * level), random.Range(1, 99));
            expression = $"{a} × {b} + {c}";
            var (x, y) = (Remainder(steps, a, m), Remainder(steps, b, m));
            steps.Compute($"{x} × {y} + {c}", (x * y) + c);
            value = Remainder(steps, (x * y) + c, m);
        }
        else
        {
            var (a, e) = (random.Range(2, 20), random.Range(level, 4 * (level - 3)));
            expression = $"{a}^{e}";
            value = Remainder(steps, a, m);
            for (var (power, x) = (2, value); power <= e; power++)
            {
                steps.Say($"{a}^{power}: {value} × {x} = {value * x}, {value * x} mod {m} = {value * x % m}");
                value = value * x % m;
            }
        }

        steps.Check($"0 ≤ {value} < {m}, right.", $"0 ≤ {value} < {m}，正确。");
        var question = Ask(
            random,
            language,
            ["What is the remainder when {0} is divided by {1}?", "Compute ({0}) mod {1}.", "Find the remainder of {0} on division by {1}."],
            ["{0} 除以 {1} 的余数是多少？", "计算 ({0}) mod {1}。", "求 {0} 被 {1} 除的余数。"],
            expression,
            m);
        var data = new JsonObject { ["expression"] = expression, ["modulus"] = m };
        return new TaskProblem(question, value.ToString(CultureInfo.InvariantCulture), data, level, steps.ToString());
    }

    private static long Remainder(Derivation steps, long a, long m)
    {
        if (a >= m)
        {
            steps.Say($"{m} × {a / m} = {a / m * m}").Compute($"{a} - {a / m * m}", a % m);
        }

        return a % m;
    }
}
