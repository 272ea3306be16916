using System.Globalization;
using System.Numerics;

namespace MiniMaxSharp.Inference;

/// <summary>A decimal number as JSON writes it, exactly: digits × 10^-scale.</summary>
/// <param name="Digits">All digits with the sign, as an integer.</param>
/// <param name="Scale">Digits behind the point, 0 or more.</param>
internal readonly record struct DecimalNumber(BigInteger Digits, int Scale) : IComparable<DecimalNumber>
{
    /// <summary>Most digits on either side of the point.</summary>
    public const int MaxDigits = 60;

    /// <summary>0.</summary>
    public static DecimalNumber Zero => new(BigInteger.Zero, 0);

    /// <summary>The absolute value.</summary>
    public DecimalNumber Magnitude => this with { Digits = BigInteger.Abs(Digits) };

    /// <summary>The number with the other sign.</summary>
    public DecimalNumber Negated => this with { Digits = -Digits };

    /// <summary>Reads a JSON number; null when it has too many digits.</summary>
    public static DecimalNumber? Parse(string json)
    {
        var mantissaEnd = json.AsSpan().IndexOfAny('e', 'E');
        var mantissa = mantissaEnd < 0 ? json : json[..mantissaEnd];
        var exponent = 0;
        if (json.Length > 200
            || (mantissaEnd >= 0 && !int.TryParse(json.AsSpan(mantissaEnd + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            || exponent is < -200 or > 200)
        {
            return null;
        }

        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var digits = BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var scale = (point < 0 ? 0 : mantissa.Length - point - 1) - exponent;
        if (scale < 0)
        {
            (digits, scale) = (digits * BigInteger.Pow(10, -scale), 0);
        }

        for (; scale > 0 && digits % 10 == 0; scale--)
        {
            digits /= 10;
        }

        return scale <= MaxDigits && BigInteger.Abs(digits) < BigInteger.Pow(10, MaxDigits + scale) ? new DecimalNumber(digits, scale) : null;
    }

    /// <summary>The digits before and behind the point of the magnitude, without leading or trailing zeros but one before the point.</summary>
    public (string Whole, string Fraction) Text()
    {
        var text = BigInteger.Abs(Digits).ToString(CultureInfo.InvariantCulture).PadLeft(Scale + 1, '0');
        return (text[..^Scale], text[^Scale..]);
    }

    /// <summary>The largest integer that is not above this, or the smallest that is not below.</summary>
    public BigInteger Round(bool up)
    {
        var unit = BigInteger.Pow(10, Scale);
        var floor = BigInteger.Divide(Digits - (((Digits % unit) + unit) % unit), unit);
        return up && floor * unit != Digits ? floor + 1 : floor;
    }

    /// <inheritdoc/>
    public int CompareTo(DecimalNumber other) => (Digits * BigInteger.Pow(10, other.Scale)).CompareTo(other.Digits * BigInteger.Pow(10, Scale));
}

/// <summary>An end of a range of numbers.</summary>
/// <param name="Value">The number.</param>
/// <param name="Exclusive">True: the number itself is outside.</param>
internal readonly record struct NumberBound(DecimalNumber Value, bool Exclusive);
