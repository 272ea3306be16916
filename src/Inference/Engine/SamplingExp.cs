using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Inference;

/// <summary>
/// e^x for sampling, x at most 0, with relative error below 2e-15. Plain multiplications and additions in a fixed order:
/// the same bits on every machine, one by one or four at a time. The library's exp differs in the last bit between systems.
/// </summary>
internal static class SamplingExp
{
    // Below this the result is 0: it would be smaller than the smallest normal double.
    private const double Smallest = -708;
    private const double Log2E = 1.4426950408889634;

    // ln 2 in two parts, the first short enough that its multiples by an exponent are exact.
    private const double Ln2High = 0.6931471803691238;
    private const double Ln2Low = 1.9082149292705877e-10;

    // Adding this rounds to an integer, which then stands in the low bits.
    private const double Round = 6755399441055744.0;

    // (e^r - 1 - r) / r² on |r| <= ln 2 / 2, by interpolation at Chebyshev nodes.
    private const double C0 = 0.5;
    private const double C1 = 0.1666666666664829;
    private const double C2 = 0.04166666666665136;
    private const double C3 = 0.008333333353729397;
    private const double C4 = 0.0013888888905881542;
    private const double C5 = 0.00019841208732536384;
    private const double C6 = 2.4801536388690766e-05;
    private const double C7 = 2.762511557828763e-06;
    private const double C8 = 2.761380686153829e-07;

    /// <summary>e^x.</summary>
    public static double Exp(double x)
    {
        if (!(x >= Smallest))
        {
            return 0;
        }

        var shifted = (x * Log2E) + Round;
        var exponent = shifted - Round;
        var r = x - (exponent * Ln2High) - (exponent * Ln2Low);
        var p = (((((((((((((((C8 * r) + C7) * r) + C6) * r) + C5) * r) + C4) * r) + C3) * r) + C2) * r) + C1) * r) + C0;
        var y = 1 + (r + (r * r * p));
        return BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(y) + (BitConverter.DoubleToInt64Bits(shifted) << 52));
    }

    /// <summary>e^x of four numbers.</summary>
    public static Vector256<double> Exp(Vector256<double> x)
    {
        var inRange = Vector256.GreaterThanOrEqual(x, Vector256.Create(Smallest));
        var round = Vector256.Create(Round);
        var shifted = (x * Log2E) + round;
        var exponent = shifted - round;
        var r = x - (exponent * Ln2High) - (exponent * Ln2Low);
        var p = (r * C8) + Vector256.Create(C7);
        p = (p * r) + Vector256.Create(C6);
        p = (p * r) + Vector256.Create(C5);
        p = (p * r) + Vector256.Create(C4);
        p = (p * r) + Vector256.Create(C3);
        p = (p * r) + Vector256.Create(C2);
        p = (p * r) + Vector256.Create(C1);
        p = (p * r) + Vector256.Create(C0);
        var y = Vector256.Create(1.0) + (r + (r * r * p));
        var scaled = (y.AsInt64() + (shifted.AsInt64() << 52)).AsDouble();
        return Vector256.ConditionalSelect(inRange, scaled, Vector256<double>.Zero);
    }

    /// <summary>e^((logits[i] - max) * inverseTemperature) of a run of logits, summed in a fixed order.</summary>
    public static double Sum(ReadOnlySpan<float> logits, double max, double inverseTemperature)
    {
        var maxima = Vector256.Create(max);
        var even = Vector256<double>.Zero;
        var odd = Vector256<double>.Zero;
        var i = 0;
        for (; i <= logits.Length - 8; i += 8)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(logits.Slice(i, 8)));
            even += Exp((low - maxima) * inverseTemperature);
            odd += Exp((high - maxima) * inverseTemperature);
        }

        var lanes = even + odd;
        var sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        for (; i < logits.Length; i++)
        {
            sum += Exp((logits[i] - max) * inverseTemperature);
        }

        return sum;
    }

    /// <summary>weights[i] = e^((logits[i] - max) * inverseTemperature).</summary>
    public static void Weigh(ReadOnlySpan<float> logits, double max, double inverseTemperature, Span<double> weights)
    {
        var maxima = Vector256.Create(max);
        var i = 0;
        for (; i <= logits.Length - 8; i += 8)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(logits.Slice(i, 8)));
            Exp((low - maxima) * inverseTemperature).CopyTo(weights[i..]);
            Exp((high - maxima) * inverseTemperature).CopyTo(weights[(i + 4)..]);
        }

        for (; i < logits.Length; i++)
        {
            weights[i] = Exp((logits[i] - max) * inverseTemperature);
        }
    }
}
