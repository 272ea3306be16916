using System.Numerics;

namespace MiniMaxSharp.Tasks;

/// <summary>An exact fraction in lowest terms, denominator positive. Operations give null where the result is undefined or too large to be honest work.</summary>
internal readonly record struct Rational
{
    /// <summary>Largest numerator or denominator, in bits: 10^1000 fits, 10^(10^9) does not.</summary>
    public const int MaxBits = 4096;

    private Rational(BigInteger numerator, BigInteger denominator)
    {
        Numerator = numerator;
        Denominator = denominator;
    }

    public BigInteger Numerator { get; }

    public BigInteger Denominator { get; }

    public bool IsInteger => Denominator.IsOne;

    public static Rational Of(BigInteger value) => new(value, BigInteger.One);

    /// <summary>numerator / denominator, or null for a zero denominator or more than <see cref="MaxBits"/>.</summary>
    public static Rational? Of(BigInteger numerator, BigInteger denominator)
    {
        if (denominator.IsZero)
        {
            return null;
        }

        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        var (n, d) = (numerator / divisor, denominator / divisor);
        return n.GetBitLength() > MaxBits || d.GetBitLength() > MaxBits ? null : new Rational(n, d);
    }

    public static Rational? Add(Rational a, Rational b) => Of((a.Numerator * b.Denominator) + (b.Numerator * a.Denominator), a.Denominator * b.Denominator);

    public static Rational? Multiply(Rational a, Rational b) => Of(a.Numerator * b.Numerator, a.Denominator * b.Denominator);

    public static Rational? Divide(Rational a, Rational b) => Of(a.Numerator * b.Denominator, a.Denominator * b.Numerator);

    public Rational Negate() => new(-Numerator, Denominator);

    /// <summary>a^b where that is a fraction again: integer exponents, and roots that come out even.</summary>
    public static Rational? Power(Rational a, Rational b)
    {
        if (b.Denominator > 64 || BigInteger.Abs(b.Numerator) > MaxBits)
        {
            return null;
        }

        var exponent = (int)BigInteger.Abs(b.Numerator);
        if ((a.Numerator.GetBitLength() - 1) * exponent > MaxBits || (a.Denominator.GetBitLength() - 1) * exponent > MaxBits || (a.Numerator.IsZero && b.Numerator.Sign <= 0))
        {
            return null;
        }

        var raised = new Rational(BigInteger.Pow(a.Numerator, exponent), BigInteger.Pow(a.Denominator, exponent));
        var upright = b.Numerator.Sign < 0 ? Of(raised.Denominator, raised.Numerator) : raised;
        return b.IsInteger ? upright : upright is { } value ? Root(value, (int)b.Denominator) : null;
    }

    /// <summary>The real root of a degree, if it is a fraction; null for even roots of negative numbers.</summary>
    public static Rational? Root(Rational a, int degree)
    {
        if (a.Numerator.Sign < 0)
        {
            return degree % 2 == 1 ? Root(a.Negate(), degree)?.Negate() : null;
        }

        return IntegerRoot(a.Numerator, degree) is { } n && IntegerRoot(a.Denominator, degree) is { } d ? new Rational(n, d) : null;
    }

    public double ToDouble()
    {
        // Both parts are cut to 1000 bits, so that neither overflows and the quotient keeps 53.
        var shift = (int)Math.Max(0, Math.Max(Numerator.GetBitLength(), Denominator.GetBitLength()) - 1000);
        var (n, d) = ((double)(Numerator >> shift), (double)(Denominator >> shift));
        return d == 0 ? n == 0 ? double.NaN : double.PositiveInfinity * Numerator.Sign : n / d;
    }

    private static BigInteger? IntegerRoot(BigInteger value, int degree)
    {
        if (value <= BigInteger.One)
        {
            return value;
        }

        var guess = BigInteger.One << (int)((value.GetBitLength() / degree) + 1);
        while (true)
        {
            var next = (((degree - 1) * guess) + (value / BigInteger.Pow(guess, degree - 1))) / degree;
            if (next >= guess)
            {
                return BigInteger.Pow(guess, degree) == value ? guess : null;
            }

            guess = next;
        }
    }
}
