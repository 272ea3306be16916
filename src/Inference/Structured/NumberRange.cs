namespace MiniMaxSharp.Inference;

/// <summary>
/// Numbers between two bounds as digits, exactly: the digits are compared with those of the bounds from the left, and a state remembers whether
/// they are still equal to one of them. Decimal notation without exponent; no leading zeros, no negative zero.
/// </summary>
/// <param name="graph">Where the states go.</param>
/// <param name="allowFraction">False: integers.</param>
internal sealed class NumberRange(PushdownGraph graph, bool allowFraction)
{
    /// <summary>Digits before the point where there is no bound; one more than those of the lower bound if it has more.</summary>
    public const int MaxWholeDigits = 19;

    /// <summary>Digits behind the point, or those of a bound if it has more.</summary>
    public const int MaxFractionDigits = 17;

    private readonly Dictionary<Place, int> states = [];
    private (string Whole, string Fraction) low;
    private (string Whole, string Fraction)? high;
    private bool lowExclusive;
    private bool highExclusive;
    private int fractionDigits;
    private int end;

    /// <summary>Adds the numbers of a range between two states.</summary>
    public static void Add(PushdownGraph graph, int from, int to, NumberBound? min, NumberBound? max, bool allowFraction)
    {
        if (!allowFraction)
        {
            min = min is { } lowest ? Integral(lowest, up: true) : null;
            max = max is { } highest ? Integral(highest, up: false) : null;
        }

        var zero = new NumberBound(DecimalNumber.Zero, false);
        if (max is not { Value.Digits.Sign: < 0 })
        {
            var least = min is { Value.Digits.Sign: >= 0 } ? min.Value : zero;
            new NumberRange(graph, allowFraction).AddMagnitudes(from, to, least, max);
        }

        if (min is not { Value.Digits.Sign: >= 0 })
        {
            var minus = graph.AddState();
            graph.AddByte(from, '-', '-', minus);
            var least = max is { Value.Digits.Sign: < 0 } negative ? Negate(negative) : zero with { Exclusive = true };
            NumberBound? greatest = min is { } lowest ? Negate(lowest) : null;
            new NumberRange(graph, allowFraction).AddMagnitudes(minus, to, least, greatest);
        }
    }

    private static NumberBound Negate(NumberBound bound) => bound with { Value = bound.Value.Negated };

    /// <summary>The same bound for integers, inclusive.</summary>
    private static NumberBound Integral(NumberBound bound, bool up)
    {
        var rounded = bound.Value.Round(up);
        var onInteger = bound.Value.CompareTo(new DecimalNumber(rounded, 0)) == 0;
        var value = bound.Exclusive && onInteger ? rounded + (up ? 1 : -1) : rounded;
        return new NumberBound(new DecimalNumber(value, 0), false);
    }

    private void AddMagnitudes(int from, int to, NumberBound least, NumberBound? greatest)
    {
        (low, lowExclusive) = (least.Value.Text(), least.Exclusive);
        (high, highExclusive) = (greatest?.Value.Text(), greatest?.Exclusive ?? false);
        fractionDigits = !allowFraction ? 0 : Math.Max(MaxFractionDigits, Math.Max(low.Fraction.Length + 1, (high?.Fraction.Length ?? 0) + 1));
        end = to;
        var longest = high?.Whole.Length ?? Math.Max(MaxWholeDigits, low.Whole.Length + 1);
        for (var length = low.Whole.Length; length <= longest; length++)
        {
            var atLow = length == low.Whole.Length;
            var atHigh = length == high?.Whole.Length;
            graph.AddEmpty(from, StateOf(new Place(length, 0, 0, atLow, atHigh)));
        }
    }

    /// <summary>The state of a place; made with all that follows when it is first asked for.</summary>
    private int StateOf(Place place)
    {
        if (place is { AtLow: false, AtHigh: false, Taken: > 0 })
        {
            place = place with { Length = place.Length - place.Taken + 1, Taken = 1 }; // Only the number of digits that are left matters.
        }

        if (states.TryGetValue(place, out var state))
        {
            return state;
        }

        state = graph.AddState();
        states.Add(place, state);
        if (place.Taken < place.Length)
        {
            // A number begins with 0 only when it is its only digit before the point.
            var first = place.Taken == 0 && place.Length > 1 ? '1' : '0';
            AddDigits(state, place, DigitOf(low.Whole, place.Taken), DigitOf(high?.Whole, place.Taken), first, place with { Taken = place.Taken + 1 });
            return state;
        }

        if (CanEnd(place))
        {
            graph.AddEmpty(state, end);
        }

        if (place.Behind < fractionDigits)
        {
            var from = state;
            if (place.Behind == 0)
            {
                graph.AddByte(state, '.', '.', from = graph.AddState());
            }

            AddDigits(from, place, DigitOf(low.Fraction, place.Behind), DigitOf(high?.Fraction, place.Behind), '0', place with { Behind = place.Behind + 1 });
        }

        return state;
    }

    private static char DigitOf(string? digits, int at) => digits is not null && at < digits.Length ? digits[at] : '0';

    private bool CanEnd(Place place)
    {
        // What is still equal to a bound continues with zeros.
        var lowRest = low.Fraction.Length > place.Behind;
        var highRest = high is { } bound && bound.Fraction.Length > place.Behind;
        return (!place.AtLow || (!lowRest && !lowExclusive)) && (!place.AtHigh || highRest || !highExclusive);
    }

    private void AddDigits(int from, Place place, char lowDigit, char highDigit, char first, Place next)
    {
        var least = place.AtLow && lowDigit > first ? lowDigit : first;
        var greatest = place.AtHigh ? highDigit : '9';
        for (var digit = least; digit <= greatest; digit++)
        {
            var target = next with { AtLow = place.AtLow && digit == lowDigit, AtHigh = place.AtHigh && digit == highDigit };
            graph.AddByte(from, digit, digit, StateOf(target));
        }
    }

    /// <summary>How far the digits are.</summary>
    /// <param name="Length">Digits before the point.</param>
    /// <param name="Taken">Of these, how many are written.</param>
    /// <param name="Behind">Digits behind the point that are written.</param>
    /// <param name="AtLow">All digits equal those of the lower bound.</param>
    /// <param name="AtHigh">All digits equal those of the upper bound.</param>
    private readonly record struct Place(int Length, int Taken, int Behind, bool AtLow, bool AtHigh);
}
