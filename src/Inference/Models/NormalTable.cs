using System.Runtime.InteropServices;
using System.Text;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Normal random numbers at the speed of a table look-up: 16 random bits choose one of 65,536 quantiles at (i + ½) / 65,536,
/// stored in the target type. The largest magnitude is 4.3 deviations, the variance 0.9999.
/// </summary>
internal sealed class NormalTable
{
    private const int Size = 1 << 16;
    private const ulong Weyl = 0x9E37_79B9_7F4A_7C15;
    private static readonly Lazy<float[]> quantiles = new(() => [.. Enumerable.Range(0, Size).Select(i => (float)Quantile((i + 0.5) / Size))]);
    private readonly float[] singles = [];
    private readonly ushort[] halves = [];

    /// <summary>The table of N(<paramref name="mean"/>, <paramref name="deviation"/>²) in <paramref name="type"/>.</summary>
    public NormalTable(DType type, float mean, float deviation)
    {
        Type = type;
        var values = Array.ConvertAll(quantiles.Value, quantile => mean + (deviation * quantile));
        switch (type)
        {
            case DType.F32:
                singles = values;
                break;
            case DType.BF16:
                halves = Array.ConvertAll(values, BFloat16Bits.Of);
                break;
            case DType.F16:
                halves = Array.ConvertAll(values, value => BitConverter.HalfToUInt16Bits((Half)value));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Random weights are F32, F16 or BF16.");
        }
    }

    /// <summary>Element type.</summary>
    public DType Type { get; }

    /// <summary>The stream of random numbers of one tensor: it depends on seed and name alone.</summary>
    public static ulong StreamKey(ulong seed, string tensorName)
    {
        // FNV-1a over the name.
        var hash = 14695981039346656037UL;
        foreach (var unit in Encoding.UTF8.GetBytes(tensorName))
        {
            hash = (hash ^ unit) * 1099511628211UL;
        }

        return Mix(Mix(seed) ^ hash);
    }

    /// <summary>
    /// Elements [first, first + n) of the stream <paramref name="key"/>, in any order of calls and on any thread.
    /// Four elements share one 64-bit number, SplitMix64 at the position element / 4.
    /// </summary>
    /// <param name="key">See <see cref="StreamKey"/>.</param>
    /// <param name="first">First element, a multiple of 4.</param>
    /// <param name="destination">Bytes of n elements.</param>
    public void Fill(ulong key, long first, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(first % 4, 0);
        if (Type == DType.F32)
        {
            Fill(singles, key + ((ulong)(first / 4) * Weyl), MemoryMarshal.Cast<byte, float>(destination));
        }
        else
        {
            Fill(halves, key + ((ulong)(first / 4) * Weyl), MemoryMarshal.Cast<byte, ushort>(destination));
        }
    }

    /// <summary>Inverse of the normal distribution function; rational approximation of P. J. Acklam, relative error 1.2e-9.</summary>
    internal static double Quantile(double p)
    {
        if (p > 0.5)
        {
            return -Quantile(1 - p);
        }

        if (p < 0.02425)
        {
            var t = Math.Sqrt(-2 * Math.Log(p));
            return Horner(t, -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783)
                / Horner(t, 0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1);
        }

        var q = p - 0.5;
        var r = q * q;
        return q
            * Horner(r, -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.3577518672690, -30.66479806614716, 2.506628277459239)
            / Horner(r, -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1);
    }

    private static void Fill<T>(T[] table, ulong position, Span<T> destination)
    {
        // Says to the compiler that a 16-bit index needs no check.
        var entries = table.AsSpan(0, Size);
        var i = 0;
        for (; i + 4 <= destination.Length; i += 4)
        {
            var bits = Mix(position += Weyl);
            destination[i] = entries[(ushort)bits];
            destination[i + 1] = entries[(ushort)(bits >> 16)];
            destination[i + 2] = entries[(ushort)(bits >> 32)];
            destination[i + 3] = entries[(ushort)(bits >> 48)];
        }

        for (var bits = Mix(position + Weyl); i < destination.Length; i++, bits >>= 16)
        {
            destination[i] = entries[(ushort)bits];
        }
    }

    /// <summary>The output function of SplitMix64.</summary>
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }

    private static double Horner(double x, params ReadOnlySpan<double> coefficients)
    {
        var sum = 0.0;
        foreach (var coefficient in coefficients)
        {
            sum = (sum * x) + coefficient;
        }

        return sum;
    }
}
