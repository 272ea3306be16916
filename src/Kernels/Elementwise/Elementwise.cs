using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Element by element functions of activations: SiLU, gates, residual sums (specification sections 2, 3 and 5).</summary>
public static unsafe partial class Elementwise
{
    private enum Function
    {
        Silu,
        SiluMultiply,
        SigmoidMultiply,
        Combine,
    }

    /// <summary>x ← x · sigmoid(x).</summary>
    public static void Silu(AlignedBuffer<float> values, int count, ComputePool pool) =>
        Run(Function.Silu, values, values, values, count, 0, 0, pool);

    /// <summary>gate ← silu(gate) · up.</summary>
    public static void SiluMultiply(AlignedBuffer<float> gate, AlignedBuffer<float> up, int count, ComputePool pool) =>
        Run(Function.SiluMultiply, gate, up, gate, count, 0, 0, pool);

    /// <summary>values ← values · sigmoid(gate).</summary>
    public static void SigmoidMultiply(AlignedBuffer<float> values, AlignedBuffer<float> gate, int count, ComputePool pool) =>
        Run(Function.SigmoidMultiply, values, gate, values, count, 0, 0, pool);

    /// <summary>destination ← alpha · residual + beta · output.</summary>
    public static void Combine(
        float alpha, AlignedBuffer<float> residual, float beta, AlignedBuffer<float> output, AlignedBuffer<float> destination, int count, ComputePool pool) =>
        Run(Function.Combine, residual, output, destination, count, alpha, beta, pool);

    private static void Run(
        Function function, AlignedBuffer<float> a, AlignedBuffer<float> b, AlignedBuffer<float> destination, int count, float alpha, float beta, ComputePool pool)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Math.Min(destination.Length, Math.Min(a.Length, b.Length)));
        var work = new Work(function, a.Pointer, b.Pointer, destination.Pointer, alpha, beta);
        pool.For(count, grain: 16384, ref work);
    }

    private readonly struct Work(Function function, float* a, float* b, float* destination, float alpha, float beta) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            switch (Isa.Path)
            {
                case IsaPath.V512: Apply<F32x16>(start, end); break;
                case IsaPath.V256: Apply<F32x8>(start, end); break;
                default: Apply<F32x1>(start, end); break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Apply<TVector>(int start, int end)
            where TVector : struct, ISimd<TVector>
        {
            var i = start;
            for (; i <= end - TVector.Lanes; i += TVector.Lanes)
            {
                One(TVector.Load(a + i), TVector.Load(b + i)).Store(destination + i);
            }

            for (; i < end; i++)
            {
                One(F32x1.Load(a + i), F32x1.Load(b + i)).Store(destination + i);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private TVector One<TVector>(TVector x, TVector y)
            where TVector : struct, ISimd<TVector> => function switch
            {
                Function.Silu => x * VectorMath.Sigmoid(x),
                Function.SiluMultiply => x * VectorMath.Sigmoid(x) * y,
                Function.SigmoidMultiply => x * VectorMath.Sigmoid(y),
                _ => TVector.Fma(TVector.Broadcast(alpha), x, TVector.Broadcast(beta) * y),
            };
    }
}
