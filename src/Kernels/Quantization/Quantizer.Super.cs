using System.Buffers.Binary;

namespace MiniMaxSharp.Kernels;

public static partial class Quantizer
{
    /// <summary>16 groups of 16 values: scales searched, stored as i8 multiples of d, then every value rounded to its stored scale.</summary>
    private static void Q6_K(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, Span<byte> block)
    {
        Span<float> scales = stackalloc float[16];
        for (var group = 0; group < 16; group++)
        {
            scales[group] = SearchScale(x.Slice(16 * group, 16), weights.Slice(16 * group, 16), 32);
        }

        block.Clear();
        var d = (Half)(Extreme(scales) / -128);
        BinaryPrimitives.WriteHalfLittleEndian(block[208..], d);
        for (var group = 0; group < 16; group++)
        {
            block[192 + group] = (byte)(sbyte)Level(scales[group], (float)d, 128);
        }

        for (var i = 0; i < 256; i++)
        {
            var q = Level(x[i], (float)d * (sbyte)block[192 + (i / 16)], 32) + 32;
            var (half, run, lane) = (i / 128, i % 128 / 32, i % 32);
            block[(64 * half) + (run % 2 * 32) + lane] |= (byte)((q & 15) << (run / 2 * 4));
            block[128 + (32 * half) + lane] |= (byte)(q >> 4 << (2 * run));
        }
    }

    /// <summary>8 groups of 32 values x̂ = scale q − minimum: both searched, stored as 6-bit multiples of d and dmin.</summary>
    private static void Q4_K(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, Span<byte> block)
    {
        Span<float> scales = stackalloc float[8], minima = stackalloc float[8];
        for (var group = 0; group < 8; group++)
        {
            (scales[group], minima[group]) = SearchScaleAndMinimum(x.Slice(32 * group, 32), weights.Slice(32 * group, 32));
        }

        block.Clear();
        Half d = (Half)(Extreme(scales) / 63), dMin = (Half)(Extreme(minima) / 63);
        BinaryPrimitives.WriteHalfLittleEndian(block, d);
        BinaryPrimitives.WriteHalfLittleEndian(block[2..], dMin);
        for (var group = 0; group < 8; group++)
        {
            PackScaleOfQ4_K(block.Slice(4, 12), group, SixBits(scales[group], (float)d), SixBits(minima[group], (float)dMin));
        }

        for (var i = 0; i < 256; i++)
        {
            var (scale, minimum) = Dequantizer.ScaleOfQ4_K(block.Slice(4, 12), i / 32);
            var step = (float)d * scale;
            var q = step == 0 ? 0 : (int)Math.Clamp(MathF.Round((x[i] + ((float)dMin * minimum)) / step), 0, 15);
            block[16 + (i / 64 * 32) + (i % 32)] |= (byte)(q << (i / 32 % 2 * 4));
        }
    }

    private static int SixBits(float value, float unit) => unit == 0 ? 0 : (int)Math.Clamp(MathF.Round(value / unit), 0, 63);

    private static void PackScaleOfQ4_K(Span<byte> packed, int group, int scale, int minimum)
    {
        if (group < 4)
        {
            packed[group] |= (byte)scale;
            packed[group + 4] |= (byte)minimum;
            return;
        }

        packed[group + 4] |= (byte)((scale & 15) | ((minimum & 15) << 4));
        packed[group - 4] |= (byte)(scale >> 4 << 6);
        packed[group] |= (byte)(minimum >> 4 << 6);
    }

    /// <summary>Scale s and minimum m ≥ 0 of least Σ w (x − (s q − m))², q in 0 … 15: trial scales give q, weighted least squares gives s and m.</summary>
    private static (float Scale, float Minimum) SearchScaleAndMinimum(ReadOnlySpan<float> x, ReadOnlySpan<float> weights)
    {
        float low = 0, high = 0;
        foreach (var value in x)
        {
            (low, high) = (MathF.Min(low, value), MathF.Max(high, value));
        }

        var best = (Scale: (high - low) / 15, Minimum: -low);
        var bestError = high > low ? SquareError(x, weights, best.Scale, best.Minimum) : 0;
        for (var trial = -10; trial <= 20 && high > low; trial++)
        {
            var (scale, minimum) = Fit(x, weights, (high - low) / (15 + (0.1f * trial)), -low);
            var error = scale > 0 ? SquareError(x, weights, scale, minimum) : double.PositiveInfinity;
            if (error < bestError)
            {
                (best, bestError) = ((scale, minimum), error);
            }
        }

        return best;
    }

    /// <summary>Least squares for fixed levels: the levels are those of the trial scale and minimum.</summary>
    private static (float Scale, float Minimum) Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float trialScale, float trialMinimum)
    {
        double sumW = 0, sumQ = 0, sumQQ = 0, sumX = 0, sumXQ = 0;
        for (var i = 0; i < x.Length; i++)
        {
            double w = weights[i], q = Math.Clamp(MathF.Round((x[i] + trialMinimum) / trialScale), 0, 15);
            sumW += w;
            sumQ += w * q;
            sumQQ += w * q * q;
            sumX += w * x[i];
            sumXQ += w * x[i] * q;
        }

        var determinant = (sumW * sumQQ) - (sumQ * sumQ);
        if (determinant > 0)
        {
            var minimum = ((sumQ * sumXQ) - (sumQQ * sumX)) / determinant;
            if (minimum >= 0)
            {
                return ((float)(((sumW * sumXQ) - (sumQ * sumX)) / determinant), (float)minimum);
            }
        }

        return sumQQ > 0 ? ((float)(sumXQ / sumQQ), 0) : (0, 0);
    }

    private static double SquareError(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, float scale, float minimum)
    {
        var error = 0.0;
        for (var i = 0; i < x.Length; i++)
        {
            var q = Math.Clamp(MathF.Round((x[i] + minimum) / scale), 0, 15);
            error += weights[i] * Math.Pow(x[i] - ((scale * q) - minimum), 2);
        }

        return error;
    }
}
