using System.Globalization;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// The four written methods, digit by digit, as lines of a derivation. Every line follows from few digits before it, so that a small model can
/// write it; a carry shows as the tens of the line before.
/// </summary>
internal static class ColumnMethods
{
    /// <summary>Works out one operation on whole numbers of any sign, and ends with the line <c>shown = value</c>.</summary>
    /// <param name="steps">Where the lines go.</param>
    /// <param name="shown">The operation as the text has it.</param>
    /// <param name="sign">+ − × or ÷; a quotient has no remainder.</param>
    /// <param name="a">Left operand.</param>
    /// <param name="b">Right operand; above or below zero for ÷.</param>
    public static long Apply(Derivation steps, string shown, char sign, long a, long b)
    {
        if (a >= 0 && b >= 0)
        {
            return Unsigned(steps, shown, sign, a, b);
        }

        var (x, y) = (Math.Abs(a), Math.Abs(b));
        var (isTurned, inner, left, right) = (sign, a < 0, b < 0) switch
        {
            ('+', true, true) => (true, '+', x, y),
            ('+', true, false) => (false, '-', y, x),
            ('+', _, _) => (false, '-', x, y),
            ('-', true, true) => (false, '-', y, x),
            ('-', true, false) => (true, '+', x, y),
            ('-', _, _) => (false, '+', x, y),
            _ => (a < 0 != b < 0, sign, x, y),
        };
        steps.Say(isTurned ? $"{shown} = -({left} {inner} {right})" : $"{shown} = {left} {inner} {right}");
        var value = Unsigned(steps, $"{left} {inner} {right}", inner, left, right) * (isTurned ? -1 : 1);
        steps.Say($"{shown} = {value}");
        return value;
    }

    /// <summary>a + b, from the ones to the left with carries; a, b ≥ 0.</summary>
    public static long Add(Derivation steps, long a, long b)
    {
        if (Math.Min(a, b) < 10 && Math.Max(a, b) < 100)
        {
            steps.Compute($"{a} + {b}", a + b);
            return a + b;
        }

        var (left, right, carry) = (a, b, 0L);
        while (left > 0 || right > 0)
        {
            var (x, y) = (left % 10, right % 10);
            var sum = x + y + carry;
            steps.Compute(carry > 0 ? $"{x}+{y}+1" : $"{x}+{y}", sum, joined: true);
            (left, right, carry) = (left / 10, right / 10, sum / 10);
        }

        steps.Say($"{a} + {b} = {a + b}");
        return a + b;
    }

    /// <summary>Digit beside digit from the left with their order, up to the first that differ: <c>2|2 = 1|8 &lt;</c>. The order follows the digits, so that nothing has to be foreseen.</summary>
    /// <param name="a">Digits.</param>
    /// <param name="b">As many digits.</param>
    public static string CompareDigits(string a, string b)
    {
        var same = a.Zip(b).TakeWhile(static pair => pair.First == pair.Second).Count();
        return string.Join(' ', a.Zip(b).Take(same + 1).Select(static pair => $"{pair.First}|{pair.Second} {(pair.First == pair.Second ? '=' : pair.First < pair.Second ? '<' : '>')}"));
    }

    /// <summary>a − b, from the ones to the left with borrows, each seen from a difference below zero; a smaller a is turned round.</summary>
    public static long Subtract(Derivation steps, long a, long b)
    {
        var (first, second) = (a.ToString(CultureInfo.InvariantCulture), b.ToString(CultureInfo.InvariantCulture));
        if (first.Length == second.Length && first.Length > 1)
        {
            steps.Say(CompareDigits(first, second));
        }

        if (a < b)
        {
            steps.Say($"{a} < {b}, so {a} - {b} = -({b} - {a})", $"{a} < {b}，所以 {a} - {b} = -({b} - {a})");
            SubtractSmaller(steps, b, a);
            steps.Say($"{a} - {b} = {a - b}");
            return a - b;
        }

        return SubtractSmaller(steps, a, b);
    }

    private static long SubtractSmaller(Derivation steps, long a, long b)
    {
        if (a < 20 || (a < 100 && b < 10))
        {
            steps.Compute($"{a} - {b}", a - b);
            return a - b;
        }

        var (left, right, borrow) = (a, b, 0L);
        while (left > 0)
        {
            var (x, y) = (left % 10, right % 10);
            var difference = x - y - borrow;
            var needed = difference < 0 ? 10 : 0;
            var taken = $"{y}{(borrow > 0 ? "-1" : "")}";
            if (needed > 0)
            {
                steps.Say($"{x}-{taken}<0");
            }

            steps.Compute($"{x + needed}-{taken}", difference + needed, joined: true);
            (left, right, borrow) = (left / 10, right / 10, needed / 10);
        }

        steps.Say($"{a} - {b} = {a - b}");
        return a - b;
    }

    /// <summary>a · b: one product for each digit of b from the ones on, and their sum; a, b ≥ 0.</summary>
    public static long Multiply(Derivation steps, long a, long b)
    {
        if ((a < 10 && b < 10) || Math.Min(a, b) < 2)
        {
            steps.Compute($"{a} × {b}", a * b);
            return a * b;
        }

        if (a < 10)
        {
            MultiplyByDigit(steps, b, a);
            steps.Say($"{a} × {b} = {a * b}");
            return a * b;
        }

        var total = 0L;
        for (var place = 1L; place <= b; place *= 10)
        {
            var digit = b / place % 10;
            if (digit == 0)
            {
                continue;
            }

            MultiplyByDigit(steps, a, digit);
            var part = a * digit * place;
            steps.Say($"{a} × {digit * place} = {part}");
            if (total > 0)
            {
                Add(steps, total, part);
            }

            total += part;
        }

        if (b.ToString(CultureInfo.InvariantCulture).Count(static c => c != '0') > 1)
        {
            steps.Say($"{a} × {b} = {a * b}");
        }

        return a * b;
    }

    /// <summary>
    /// a ÷ b without remainder, by long division; b > 0. A divisor of several digits has its multiples listed first, each with its number behind it. A line
    /// begins with what is divided and, behind a bar, the digits that are left.
    /// </summary>
    public static long Divide(Derivation steps, long a, long b)
    {
        if (b >= 10)
        {
            steps.Say($"{b}: {string.Join(", ", Enumerable.Range(1, 9).Select(i => $"{b * i}:{i}"))}");
        }

        var digits = a.ToString(CultureInfo.InvariantCulture);
        var rest = 0L;
        for (var at = 0; at < digits.Length; at++)
        {
            rest = (rest * 10) + digits[at] - '0';
            var times = rest / b;
            var line = $"{rest}|{digits[(at + 1)..]}: ";
            if (rest.ToString(CultureInfo.InvariantCulture).Length < b.ToString(CultureInfo.InvariantCulture).Length || (times == 0 && b < 10))
            {
                steps.Say($"{line}0");
            }
            else if (b < 10)
            {
                steps.Say($"{line}{times}, {b}×{times}={b * times}, {rest}-{b * times}={rest % b}");
            }
            else
            {
                steps.Say($"{line}{FindMultiple(steps, rest, b)}: {times}");
                if (rest == b * times)
                {
                    steps.Say($"{rest} - {rest} = 0");
                }
                else if (times > 0)
                {
                    SubtractSmaller(steps, rest, b * times);
                }
            }

            rest %= b;
        }

        steps.Say(rest == 0 ? $"{a} ÷ {b} = {a / b}" : $"{a} ÷ {b} = {a / b}, rest {rest}", rest == 0 ? $"{a} ÷ {b} = {a / b}" : $"{a} ÷ {b} = {a / b}，余 {rest}");
        return a / b;
    }

    /// <summary>
    /// The multiples of b beside what is divided, each with the digits that decide: <c>455:5 5|4 &gt;, 546:6 5|5 = 2|4 &lt;</c>. The first is a guess; the next go up
    /// or down from it until two neighbours enclose the value or one is equal to it, so that a wrong guess mends itself.
    /// </summary>
    private static string FindMultiple(Derivation steps, long value, long b)
    {
        var tried = new List<string>();
        var at = steps.Near(value / b, 1, 9);
        var step = 0;
        while (true)
        {
            var multiple = b * at;
            tried.Add($"{multiple}:{at} {Order(value, multiple)}");
            var direction = Math.Sign(value - multiple);
            if (direction == 0 || (step != 0 && direction != step) || at + direction is < 1 or > 9)
            {
                return string.Join(", ", tried);
            }

            (step, at) = (direction, at + direction);
        }
    }

    /// <summary>The order of two numbers: that of their digits, or of their lengths where these differ.</summary>
    private static string Order(long a, long b)
    {
        var (first, second) = (a.ToString(CultureInfo.InvariantCulture), b.ToString(CultureInfo.InvariantCulture));
        return first.Length == second.Length ? CompareDigits(first, second) : first.Length < second.Length ? "<" : ">";
    }

    private static void MultiplyByDigit(Derivation steps, long a, long digit)
    {
        var carry = 0L;
        for (var left = a; left > 0; left /= 10)
        {
            var product = digit * (left % 10);
            steps.Compute($"{digit}×{left % 10}", product, carry > 0 ? $", {product}+{carry}={product + carry}" : "", joined: true);
            carry = (product + carry) / 10;
        }
    }

    private static long Unsigned(Derivation steps, string shown, char sign, long a, long b)
    {
        if (sign == '÷' && (a == 0 || b == 1 || (b < 10 && a / b < 10)))
        {
            steps.Compute(shown, a / b);
            return a / b;
        }

        return sign switch
        {
            '+' => Add(steps, a, b),
            '-' => Subtract(steps, a, b),
            '×' => Multiply(steps, a, b),
            _ => Divide(steps, a, b),
        };
    }
}
