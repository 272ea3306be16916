namespace MiniMaxSharp.Tasks;

/// <summary>
/// The search for a countdown of three numbers as lines of a derivation. For each number that may come last it lists what the other two would
/// have to make, and then what they can make, each with its sign, up to the first number of the first list: the way to the target. Operands stand
/// only before differences, which small models get wrong without. Fractions and negative numbers are not considered. <c>12: 56-12=44 +68; +22 17-5=12 ×85</c> is a line for the target 56 with the numbers 5, 17 and 12.
/// </summary>
internal static class CountdownSearch
{
    private const int LargestProduct = 200; // More is hardly ever wanted.

    /// <summary>Tries the numbers from the last to the first as the one that is joined last.</summary>
    /// <param name="steps">Where the lines go.</param>
    /// <param name="numbers">Three numbers.</param>
    /// <param name="target">What they are to make.</param>
    /// <returns>The value that the other two make, the operation that makes it, and the last operation; null where there is no way.</returns>
    public static (long Value, Operation First, Operation Last)? Run(Derivation steps, int[] numbers, int target)
    {
        for (var i = numbers.Length - 1; i >= 0; i--)
        {
            var last = numbers[i];
            if (numbers[(i + 1)..].Contains(last))
            {
                continue; // Tried already.
            }

            var others = numbers.Where((_, k) => k != i).ToArray();
            var wanted = Wanted(last, target).ToArray();
            var made = Made(others[0], others[1]).ToArray();
            var hit = Array.FindIndex(made, way => wanted.Any(wish => wish.Value == way.Value));
            if (hit < 0)
            {
                steps.Say($"{last}: {Joined(wanted)}; {Joined(made)}");
                continue;
            }

            var reached = wanted.First(wish => wish.Value == made[hit].Value);
            steps.Say($"{last}: {Joined(wanted)}; {Joined(made[..(hit + 1)])} = {reached.Left}{reached.Sign}{reached.Right}");
            return (made[hit].Value, made[hit], reached.Inverse(last, target));
        }

        return null;
    }

    private static string Joined(IEnumerable<Operation> operations) =>
        string.Join(' ', operations.Select(static way => way.Sign == '-' ? $"{way.Left}-{way.Right}={way.Value}" : $"{way.Sign}{way.Value}"));

    /// <summary>What two numbers make.</summary>
    private static IEnumerable<Operation> Made(long a, long b)
    {
        var (large, small) = (Math.Max(a, b), Math.Min(a, b));
        yield return new Operation(large, '+', small, large + small);
        yield return new Operation(large, '-', small, large - small);
        if (large * small <= LargestProduct)
        {
            yield return new Operation(large, '×', small, large * small);
        }

        if (small > 1 && large % small == 0)
        {
            yield return new Operation(large, '÷', small, large / small);
        }
    }

    /// <summary>What has to be made beside a number.</summary>
    private static IEnumerable<Operation> Wanted(long last, long target)
    {
        yield return target >= last ? new Operation(target, '-', last, target - last) : new Operation(last, '-', target, last - target);
        yield return new Operation(target, '+', last, target + last);
        if (last > 1 && target % last == 0)
        {
            yield return new Operation(target, '÷', last, target / last);
        }

        if (last > 1 && target * last <= LargestProduct)
        {
            yield return new Operation(target, '×', last, target * last);
        }
    }

    /// <summary>An operation on two numbers.</summary>
    internal sealed record Operation(long Left, char Sign, long Right, long Value)
    {
        /// <summary>The operation that leads from what was wanted, with the last number, to the target.</summary>
        public Operation Inverse(long last, long target) => Sign switch
        {
            '-' when Left == target => new Operation(Value, '+', last, target),
            '-' => new Operation(last, '-', Value, target),
            '+' => new Operation(Value, '-', last, target),
            '÷' => new Operation(Value, '×', last, target),
            _ => new Operation(Value, '÷', last, target),
        };
    }
}
