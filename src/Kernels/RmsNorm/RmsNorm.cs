using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>y[t] = w · x[t] / sqrt(mean(x[t]²) + eps), each of T rows of N values (specification, notation). The weight is used as it is.</summary>
public static unsafe partial class RmsNorm
{
    /// <summary>Normalises <paramref name="rows"/> rows; <paramref name="destination"/> may be <paramref name="source"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    public static void Normalize(
        AlignedBuffer<float> source, AlignedBuffer<float> weight, float eps, AlignedBuffer<float> destination, int rows, ComputePool pool)
    {
        var width = weight.Length;
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)rows * width, Math.Min(source.Length, destination.Length), nameof(rows));
        var work = new Work(source.Pointer, weight.Pointer, eps, destination.Pointer, width);
        pool.For(rows, grain: Math.Max(1, 16384 / width), ref work);
    }

    /// <summary>Reference twin of <see cref="Normalize"/>.</summary>
    public static void Reference(ReadOnlySpan<float> source, ReadOnlySpan<float> weight, float eps, Span<float> destination)
    {
        for (var row = 0; row < source.Length; row += weight.Length)
        {
            var square = 0.0;
            foreach (var x in source.Slice(row, weight.Length))
            {
                square += (double)x * x;
            }

            var scale = 1 / Math.Sqrt((square / weight.Length) + eps);
            for (var i = 0; i < weight.Length; i++)
            {
                destination[row + i] = (float)(source[row + i] * scale * weight[i]);
            }
        }
    }

    private readonly struct Work(float* source, float* weight, float eps, float* destination, int width) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            for (var row = start; row < end; row++)
            {
                var offset = (nint)row * width;
                switch (Isa.Path)
                {
                    case IsaPath.V512: Row<F32x16>(source + offset, destination + offset); break;
                    case IsaPath.V256: Row<F32x8>(source + offset, destination + offset); break;
                    default: Row<F32x1>(source + offset, destination + offset); break;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Row<TVector>(float* x, float* y)
            where TVector : struct, ISimd<TVector>
        {
            TVector s0 = TVector.Zero, s1 = s0, s2 = s0, s3 = s0;
            var i = 0;
            for (; i <= width - (4 * TVector.Lanes); i += 4 * TVector.Lanes)
            {
                TVector a = TVector.Load(x + i), b = TVector.Load(x + i + TVector.Lanes);
                TVector c = TVector.Load(x + i + (2 * TVector.Lanes)), d = TVector.Load(x + i + (3 * TVector.Lanes));
                (s0, s1, s2, s3) = (TVector.Fma(a, a, s0), TVector.Fma(b, b, s1), TVector.Fma(c, c, s2), TVector.Fma(d, d, s3));
            }

            var square = (double)((s0 + s1) + (s2 + s3)).Sum();
            for (; i < width; i++)
            {
                square += (double)x[i] * x[i];
            }

            var scale = (float)(1 / Math.Sqrt((square / width) + eps));
            var factor = TVector.Broadcast(scale);
            for (i = 0; i <= width - TVector.Lanes; i += TVector.Lanes)
            {
                (TVector.Load(x + i) * factor * TVector.Load(weight + i)).Store(y + i);
            }

            for (; i < width; i++)
            {
                y[i] = x[i] * scale * weight[i];
            }
        }
    }
}
