using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Speed at which the threads of a pool read memory: the ceiling of decoding, which reads every active weight once.</summary>
public static unsafe class MemoryBandwidth
{
    private const int BlockFloats = 1 << 16;

    /// <summary>Bytes per second, median of <paramref name="repetitions"/> passes over <paramref name="bytes"/> bytes, which should exceed every cache.</summary>
    public static double Measure(ComputePool pool, long bytes = 1L << 29, int repetitions = 5)
    {
        using var memory = new AlignedBuffer<float>(checked((int)(bytes / sizeof(float) / BlockFloats * BlockFloats)));
        memory.Span.Fill(1); // touches every page
        using var sums = new AlignedBuffer<float>(memory.Length / BlockFloats);
        var seconds = new double[repetitions];
        for (var i = 0; i < repetitions; i++)
        {
            var started = Stopwatch.GetTimestamp();
            var work = new Work(memory.Pointer, sums.Pointer);
            pool.For(sums.Length, grain: 1, ref work);
            seconds[i] = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        Array.Sort(seconds);
        return (double)memory.Length * sizeof(float) / seconds[repetitions / 2];
    }

    private readonly struct Work(float* memory, float* sums) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            for (var block = start; block < end; block++)
            {
                sums[block] = Isa.Path switch
                {
                    IsaPath.V512 => Sum<F32x16>(memory + ((nint)block * BlockFloats)),
                    IsaPath.V256 => Sum<F32x8>(memory + ((nint)block * BlockFloats)),
                    _ => Sum<F32x1>(memory + ((nint)block * BlockFloats)),
                };
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static float Sum<TVector>(float* x)
            where TVector : struct, ISimd<TVector>
        {
            TVector a = TVector.Zero, b = a, c = a, d = a;
            for (var i = 0; i < BlockFloats; i += 4 * TVector.Lanes)
            {
                a += TVector.Load(x + i);
                b += TVector.Load(x + i + TVector.Lanes);
                c += TVector.Load(x + i + (2 * TVector.Lanes));
                d += TVector.Load(x + i + (3 * TVector.Lanes));
            }

            return ((a + b) + (c + d)).Sum();
        }
    }
}
