using System.Globalization;

namespace MiniMaxSharp.Tasks;

/// <summary>The four written methods, digit by digit, as lines of a derivation.</summary>
internal static class ColumnMethods
{
    /// <summary>a + b, from the ones to the left with carries; a, b ≥ 0.</summary>
    public static long Add(Derivation steps, long a, long b)
    {
        if (a < 10 || b < 10)
        {
            steps.Compute($"{a} + {b}", a + b);
            return a + b;
        }

        var (left, right, carry) = (a, b, 0L);
        while (left > 0 || right > 0)
        {
            var (x, y) = (left % 10, right % 10);
            var sum = x + y + carry;
            var isLast = left < 10 && right < 10;
            var written = isLast ? "" : sum >= 10 ? $", {sum % 10} 1" : $", {sum % 10}";
            steps.Compute(carry > 0 ? $"{x} + {y} + 1" : $"{x} + {y}", sum, written);
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

        if (a < 20)
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
            steps.Compute($"{x + needed} - {y}{(borrow > 0 ? " - 1" : "")}", difference + needed, needed > 0 ? ", -1" : "");
            (left, right, borrow) = (left / 10, right / 10, needed / 10);
        }

        steps.Say($"{a} - {b} = {a - b}");
        return a - b;
    }

    /// <summary>a · b by one product for each digit of b; a, b ≥ 0.</summary>
    public static long Multiply(Derivation steps, long a, long b)
    {
        if (b < 10)
        {
            steps.Compute($"{a} × {b}", a * b);
            return a * b;
        }

        var digits = b.ToString(CultureInfo.InvariantCulture);
        var total = 0L;
        for (var i = 0; i < digits.Length; i++)
        {
            var part = digits[i] - '0';
            if (part == 0)
            {
                continue;
            }

            for (var zeros = i; zeros < digits.Length - 1; zeros++)
            {
                part *= 10;
            }

            steps.Compute($"{a} × {part}", a * part);
            if (total > 0)
            {
                steps.Compute($"{total} + {a * part}", total + (a * part));
            }

            total += a * part;
        }

        return total;
    }

    /// <summary>a ÷ b without remainder, by long division; b > 0.</summary>
    public static long Divide(Derivation steps, long a, long b)
    {
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
            steps.Say($"{rest} ÷ {b}: {times}, {b} × {times} = {b * times}, {rest} - {b * times} = {rest % b}");
            rest %= b;
        }

        steps.Say($"{a} ÷ {b} = {a / b}");
        return a / b;
    }
}
