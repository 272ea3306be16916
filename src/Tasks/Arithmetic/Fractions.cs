using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Simplifying a fraction, or the sum, difference, product or quotient of two; the answer in lowest terms.</summary>
public sealed class Fractions()
    : ArithmeticTask("fractions", "One operation on fractions, or lowest terms.", "size of the denominators: 1 simplifies, from 2 on two fractions, up to 3·level", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language) =>
        level == 1 ? Simplify(random, language) : Combine(random, level, language);

    /// <inheritdoc/>
    protected override string? Fault(System.Text.Json.JsonElement data, string gold, string answer)
    {
        if (base.Fault(data, gold, answer) is { } fault)
        {
            return fault;
        }

        var parts = answer.Split('/');
        return parts.Length == 2 && BigInteger.TryParse(parts[0].Trim(), CultureInfo.InvariantCulture, out var n) && BigInteger.TryParse(parts[1].Trim(), CultureInfo.InvariantCulture, out var d)
            && !BigInteger.GreatestCommonDivisor(n, d).IsOne ? "the fraction is not in lowest terms" : null;
    }

    private static TaskProblem Simplify(TaskRandom random, TaskLanguage language)
    {
        var factor = random.Range(2, 9);
        var (n, d) = (random.Range(1, 12) * factor, random.Range(2, 12) * factor);
        var steps = Think(random, language);
        Reduce(steps, n, d);
        var question = Ask(
            random,
            language,
            ["Simplify {0}/{1}.", "Write {0}/{1} in lowest terms.", "Reduce the fraction {0}/{1}.", "What is {0}/{1} in lowest terms?"],
            ["化简 {0}/{1}。", "把 {0}/{1} 化成最简分数。", "约分：{0}/{1}", "{0}/{1} 化简后是多少？"],
            n,
            d);
        return new TaskProblem(question, Show(n, d), new JsonObject { ["n"] = n, ["d"] = d }, 1, steps.ToString());
    }

    private static TaskProblem Combine(TaskRandom random, int level, TaskLanguage language)
    {
        var largest = 3 * level;
        var (b, d) = (random.Range(2, largest), random.Range(2, largest));
        var (a, c) = (random.Range(1, Math.Max(1, b - 1)), random.Range(1, Math.Max(1, d - 1)));
        var sign = random.Pick(['+', '-', '×', '÷']);
        var steps = Think(random, language).Say($"{a}/{b} {sign} {c}/{d}");
        long n, bottom;
        if (sign is '+' or '-')
        {
            bottom = b / Gcd(b, d) * d;
            var (left, right) = (a * (bottom / b), c * (bottom / d));
            n = sign == '+' ? left + right : left - right;
            Expand(steps, a, b, bottom);
            Expand(steps, c, d, bottom);
            ColumnMethods.Apply(steps, $"{left} {sign} {right}", sign, left, right);
        }
        else
        {
            var (top, below) = sign == '×' ? (c, d) : (d, c);
            if (sign == '÷')
            {
                steps.Say($"= {a}/{b} × {top}/{below}");
            }

            (n, bottom) = (a * top, b * below);
            steps.Compute($"{a} × {top}", n).Compute($"{b} × {below}", bottom);
        }

        Reduce(steps, n, bottom);
        var question = Ask(
            random,
            language,
            ["What is {0}/{1} {2} {3}/{4}? Give a fraction in lowest terms.", "Compute {0}/{1} {2} {3}/{4} in lowest terms.", "Calculate {0}/{1} {2} {3}/{4} and simplify.", "What is {0}/{1} {2} {3}/{4}?", "{0}/{1} {2} {3}/{4} = ?"],
            ["{0}/{1} {2} {3}/{4} 等于多少？请化成最简分数。", "计算 {0}/{1} {2} {3}/{4}，结果化为最简分数。", "求 {0}/{1} {2} {3}/{4}（最简分数）。", "计算 {0}/{1} {2} {3}/{4}。", "{0}/{1} {2} {3}/{4} 等于多少？"],
            a,
            b,
            sign,
            c,
            d);
        var data = new JsonObject { ["a"] = a, ["b"] = b, ["c"] = c, ["d"] = d, ["sign"] = sign.ToString() };
        return new TaskProblem(question, Show(n, bottom), data, level, steps.ToString());
    }

    private static void Reduce(Derivation steps, long n, long d)
    {
        if (n == 0)
        {
            steps.Say($"0/{d} = 0");
            return;
        }

        var (top, bottom) = (n, d);
        var missed = 0L;
        for (var left = Math.Abs(n); left > 1;)
        {
            var prime = SmallestPrimeOf(left);
            var line = $"{left}={prime}×{left / prime}";
            left /= prime;
            if (prime == missed)
            {
                steps.Say(line);
                continue;
            }

            var (quotient, rest) = Math.DivRem(bottom, prime);
            if (rest != 0)
            {
                steps.Say($"{line}, {bottom}={prime}×{quotient}+{rest}");
                missed = prime;
                continue;
            }

            (top, line) = (top / prime, $"{line}, {bottom}={prime}×{quotient}");
            bottom = quotient;
            steps.Say($"{line}: {top}/{bottom}");
        }

        steps.Say($"{n}/{d} = {Show(n, d)}");
    }

    private static long SmallestPrimeOf(long value)
    {
        var prime = 2L;
        while (value % prime != 0)
        {
            prime++;
        }

        return prime;
    }

    /// <summary>The fraction a/b with a multiple of b below.</summary>
    private static void Expand(Derivation steps, long a, long b, long bottom)
    {
        var factor = bottom / b;
        steps.Say(factor == 1 ? $"{a}/{b}" : $"{bottom}÷{b}={factor}, {a}×{factor}={a * factor}: {a}/{b} = {a * factor}/{bottom}");
    }

    private static string Show(long n, long d)
    {
        var divisor = Gcd(Math.Abs(n), d);
        return d == divisor ? (n / divisor).ToString(CultureInfo.InvariantCulture) : $"{n / divisor}/{d / divisor}";
    }

    private static long Gcd(long a, long b) => (long)BigInteger.GreatestCommonDivisor(a, b);
}
