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

    /// <summary>a − b, from the ones to the left with borrows; a smaller a is turned round.</summary>
    public static long Subtract(Derivation steps, long a, long b)
    {
        if (a < b)
        {
            steps.Say($"{a} < {b}, so {a} - {b} = -({b} - {a})", $"{a} < {b}，所以 {a} - {b} = -({b} - {a})");
            Subtract(steps, b, a);
            steps.Say($"{a} - {b} = {a - b}");
            return a - b;
        }

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
            steps.Compute($"{x + needed}-{y}{(borrow > 0 ? "-1" : "")}", difference + needed, joined: true);
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

    /// <summary>a ÷ b without remainder, by long division; b > 0. A divisor of several digits has its multiples listed first.</summary>
    public static long Divide(Derivation steps, long a, long b)
    {
        if (b >= 10)
        {
            steps.Say($"{b}: {string.Join(", ", Enumerable.Range(1, 9).Select(i => (b * i).ToString(CultureInfo.InvariantCulture)))}");
        }

        var rest = 0L;
        foreach (var digit in a.ToString(CultureInfo.InvariantCulture))
        {
            rest = (rest * 10) + digit - '0';
            if (rest < b)
            {
                steps.Say($"{rest} < {b}: 0");
                continue;
            }

            var times = rest / b;
            steps.Say($"{rest}: {times}, {b}×{times}={b * times}, {rest}-{b * times}={rest % b}");
            rest %= b;
        }

        steps.Say($"{a} ÷ {b} = {a / b}");
        return a / b;
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
