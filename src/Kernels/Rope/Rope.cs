using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Rotary position embedding on the first R of D dimensions, half-split: (x_i, x_{i+R/2}) → (x_i cos − x_{i+R/2} sin, x_{i+R/2} cos + x_i sin)
/// (specification section 4). The frequencies spread over R, not D.
/// </summary>
public static unsafe partial class Rope
{
    /// <summary>inv_freq [R/2] = 1 / θ^(2i/R): the power in double, rounded to f32, then divided in f32, as the official code does.</summary>
    public static float[] InverseFrequencies(int rotaryDim, double theta)
    {
        var frequencies = new float[rotaryDim / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] = 1f / (float)Math.Pow(theta, 2.0 * i / rotaryDim);
        }

        return frequencies;
    }

    /// <summary>
    /// cos and sin [R/2] of one position. The angle is the f32 product of position and frequency:
    /// at position 1M an exact angle would differ from the official one by 0.03 rad.
    /// </summary>
    public static void Angles(int position, ReadOnlySpan<float> inverseFrequencies, Span<float> cos, Span<float> sin)
    {
        for (var i = 0; i < inverseFrequencies.Length; i++)
        {
            var (s, c) = Math.SinCos((double)((float)position * inverseFrequencies[i]));
            cos[i] = (float)c;
            sin[i] = (float)s;
        }
    }

    /// <summary>Rotates every head of T rows in place: <paramref name="values"/> [T, heads, D], <paramref name="cos"/> and <paramref name="sin"/> [T, R/2].</summary>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    public static void Rotate(
        AlignedBuffer<float> values, int rows, int heads, int headDim, AlignedBuffer<float> cos, AlignedBuffer<float> sin, int rotaryDim, ComputePool pool)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)rows * heads * headDim, values.Length, nameof(rows));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)rows * rotaryDim / 2, Math.Min(cos.Length, sin.Length), nameof(rows));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rotaryDim, headDim);
        var work = new Work(values.Pointer, heads, headDim, cos.Pointer, sin.Pointer, rotaryDim / 2);
        pool.For(rows, grain: Math.Max(1, 16384 / (heads * headDim)), ref work);
    }

    /// <summary>Reference twin of <see cref="Rotate"/> for one row of heads.</summary>
    public static void Reference(Span<float> row, int headDim, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin)
    {
        for (var head = 0; head < row.Length; head += headDim)
        {
            for (var i = 0; i < cos.Length; i++)
            {
                double a = row[head + i], b = row[head + cos.Length + i];
                row[head + i] = (float)((a * cos[i]) - (b * sin[i]));
                row[head + cos.Length + i] = (float)((b * cos[i]) + (a * sin[i]));
            }
        }
    }

    private readonly struct Work(float* values, int heads, int headDim, float* cos, float* sin, int half) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            switch (Isa.Path)
            {
                case IsaPath.V512: Rows<F32x16>(start, end); break;
                case IsaPath.V256: Rows<F32x8>(start, end); break;
                default: Rows<F32x1>(start, end); break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Rows<TVector>(int start, int end)
            where TVector : struct, ISimd<TVector>
        {
            for (var head = start * heads; head < end * heads; head++)
            {
                var x = values + ((nint)head * headDim);
                var angle = (nint)(head / heads) * half;
                var i = 0;
                for (; i <= half - TVector.Lanes; i += TVector.Lanes)
                {
                    Pair<TVector>(x + i, x + half + i, cos + angle + i, sin + angle + i);
                }

                for (; i < half; i++)
                {
                    Pair<F32x1>(x + i, x + half + i, cos + angle + i, sin + angle + i);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Pair<TVector>(float* first, float* second, float* cos, float* sin)
            where TVector : struct, ISimd<TVector>
        {
            TVector a = TVector.Load(first), b = TVector.Load(second), c = TVector.Load(cos), s = TVector.Load(sin);
            ((a * c) - (b * s)).Store(first);
            ((b * c) + (a * s)).Store(second);
        }
    }
}
