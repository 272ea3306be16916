using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Log-probabilities of logits: log p_i = x_i − max − log Σ_j e^(x_j − max).</summary>
public static unsafe class LogSoftmax
{
    /// <summary>log p of entry <paramref name="index"/> of <paramref name="logits"/> [V].</summary>
    public static double At(ReadOnlySpan<float> logits, int index) => logits[index] - LogSumExp(logits);

    /// <summary>log Σ_j e^(x_j), with the maximum taken out. NaN when an entry is NaN.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        fixed (float* x = logits)
        {
            return Isa.Path switch
            {
                IsaPath.V512 => LogSumExp<F32x16>(x, logits.Length),
                IsaPath.V256 => LogSumExp<F32x8>(x, logits.Length),
                _ => LogSumExp<F32x1>(x, logits.Length),
            };
        }
    }

    /// <summary>Reference twin of <see cref="LogSumExp(ReadOnlySpan{float})"/>, in double.</summary>
    public static double Reference(ReadOnlySpan<float> logits)
    {
        var (max, sum) = (double.NegativeInfinity, 0.0);
        foreach (var x in logits)
        {
            max = Math.Max(max, x);
        }

        foreach (var x in logits)
        {
            sum += Math.Exp(x - max);
        }

        return max + Math.Log(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double LogSumExp<TVector>(float* x, int count)
        where TVector : struct, ISimd<TVector>
    {
        var max = VectorMath.Max<TVector>(x, count);

        // Blocks of partial sums in double keep 200,000 small terms from being lost.
        var sum = 0.0;
        var i = 0;
        while (i <= count - TVector.Lanes)
        {
            var part = TVector.Zero;
            for (var end = Math.Min(i + 1024, count); i <= end - TVector.Lanes; i += TVector.Lanes)
            {
                part += VectorMath.Exp(TVector.Load(x + i) - TVector.Broadcast(max));
            }

            sum += part.Sum();
        }

        for (; i < count; i++)
        {
            sum += Math.Exp(x[i] - (double)max);
        }

        return max + Math.Log(sum);
    }
}
