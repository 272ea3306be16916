using System.Buffers.Binary;

namespace MiniMaxSharp.Kernels;

/// <summary>Rows of f32 → ggml's block formats. Reference style: one block at a time, readable first.</summary>
/// <remarks>
/// Q8_0 and, without importance, Q4_0 follow ggml's rule bit for bit. The others search their scales for the least weighted square
/// error Σ w (x − x̂)²; w is the importance of the column (mean square of its activations), or 1.
/// </remarks>
public static partial class Quantizer
{
    /// <summary>Quantises one row; <paramref name="importance"/> is empty or holds one weight ≥ 0 for each column. Q8_0 ignores it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The type has no blocks, or the lengths do not agree.</exception>
    public static void Quantize(DType type, ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, type.RowBytes(source.Length), nameof(destination));
        if (!importance.IsEmpty)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(importance.Length, source.Length, nameof(importance));
        }

        var (elements, bytes) = (type.BlockElements(), type.BlockBytes());
        Span<float> ones = stackalloc float[256];
        ones.Fill(1);
        for (var (k, target) = (0, 0); k < source.Length; k += elements, target += bytes)
        {
            var x = source.Slice(k, elements);
            var weights = importance.IsEmpty ? ones[..elements] : importance.Slice(k, elements);
            var block = destination.Slice(target, bytes);
            switch (type)
            {
                case DType.Q8_0: Q8_0(x, block); break;
                case DType.Q4_0 when importance.IsEmpty: Q4_0(x, block); break;
                case DType.Q4_0: Q4_0(x, weights, block); break;
                case DType.Q4_K: Q4_K(x, weights, block); break;
                case DType.Q6_K: Q6_K(x, weights, block); break;
                default: throw new ArgumentOutOfRangeException(nameof(type), type, "This type is not stored in blocks.");
            }
        }
    }

    /// <summary>d = max|x| / 127, q = round(x / d), halves away from zero.</summary>
    private static void Q8_0(ReadOnlySpan<float> x, Span<byte> block)
    {
        var d = MathF.Abs(Extreme(x)) / 127;
        var inverse = d == 0 ? 0 : 1 / d;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)d);
        for (var i = 0; i < 32; i++)
        {
            block[2 + i] = (byte)(sbyte)MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero);
        }
    }

    /// <summary>d = (value of largest magnitude) / −8, so that it becomes 0 of 0 … 15 exactly.</summary>
    private static void Q4_0(ReadOnlySpan<float> x, Span<byte> block)
    {
        var d = Extreme(x) / -8;
        var inverse = d == 0 ? 0 : 1 / d;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)d);
        for (var i = 0; i < 16; i++)
        {
            var low = Math.Min(15, (int)((x[i] * inverse) + 8.5f));
            var high = Math.Min(15, (int)((x[i + 16] * inverse) + 8.5f));
            block[2 + i] = (byte)(low | (high << 4));
        }
    }

    private static void Q4_0(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, Span<byte> block)
    {
        var d = (Half)SearchScale(x, weights, 8);
        BinaryPrimitives.WriteHalfLittleEndian(block, d);
        for (var i = 0; i < 16; i++)
        {
            block[2 + i] = (byte)((Level(x[i], (float)d, 8) + 8) | ((Level(x[i + 16], (float)d, 8) + 8) << 4));
        }
    }

    /// <summary>The value of largest magnitude, with its sign; the first of several.</summary>
    private static float Extreme(ReadOnlySpan<float> x)
    {
        var extreme = 0f;
        foreach (var value in x)
        {
            extreme = MathF.Abs(value) > MathF.Abs(extreme) ? value : extreme;
        }

        return extreme;
    }

    /// <summary>Nearest level of x in −range … range − 1 steps of <paramref name="scale"/>.</summary>
    private static int Level(float x, float scale, int range) =>
        scale == 0 ? 0 : (int)Math.Clamp(MathF.Round(x / scale), -range, range - 1);

    /// <summary>
    /// The scale s of least Σ w (x − s q)², q in −range … range − 1. Trial scales give q; for fixed q the best s is Σ w x q / Σ w q²,
    /// and it takes (Σ w x q)² / Σ w q² off the error.
    /// </summary>
    private static float SearchScale(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, int range)
    {
        var extreme = Extreme(x);
        var (best, bestGain) = (0.0, 0.0);
        for (var trial = -9; trial <= 9 && extreme != 0; trial++)
        {
            var scale = extreme / -(range + (0.1f * trial));
            double xq = 0, qq = 0;
            for (var i = 0; i < x.Length; i++)
            {
                double q = Level(x[i], scale, range), w = weights[i];
                xq += w * x[i] * q;
                qq += w * q * q;
            }

            if (qq > 0 && xq * xq / qq > bestGain)
            {
                (best, bestGain) = (xq / qq, xq * xq / qq);
            }
        }

        return (float)best;
    }
}
