using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Functions of one vector.</summary>
internal static class VectorMath
{
    /// <summary>
    /// e^x: x = n·ln 2 + r with |r| ≤ ln 2 / 2, a polynomial in r, times 2^n. Relative error below 2e-7.
    /// Arguments beyond ±87.3 are clamped, so the result never overflows and never is 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TVector>(TVector x)
        where TVector : struct, ISimd<TVector>
    {
        x = TVector.Min(TVector.Max(x, TVector.Broadcast(-87.3f)), TVector.Broadcast(87.3f));
        var n = TVector.Round(x * TVector.Broadcast(1.44269504f));
        var r = TVector.Fma(n, TVector.Broadcast(-0.693145752f), x); // ln 2, upper bits
        r = TVector.Fma(n, TVector.Broadcast(-1.42860677e-6f), r); // ln 2, the rest
        var p = TVector.Fma(TVector.Broadcast(1f / 5040), r, TVector.Broadcast(1f / 720));
        p = TVector.Fma(p, r, TVector.Broadcast(1f / 120));
        p = TVector.Fma(p, r, TVector.Broadcast(1f / 24));
        p = TVector.Fma(p, r, TVector.Broadcast(1f / 6));
        p = TVector.Fma(p, r, TVector.Broadcast(0.5f));
        p = TVector.Fma(p, r, TVector.Broadcast(1f));
        p = TVector.Fma(p, r, TVector.Broadcast(1f));
        return p * TVector.Pow2(n);
    }

    /// <summary>1 / (1 + e^−x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TVector>(TVector x)
        where TVector : struct, ISimd<TVector> => TVector.Broadcast(1f) / (TVector.Broadcast(1f) + Exp(TVector.Zero - x));

    /// <summary>Largest of <paramref name="count"/> values; negative infinity when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe float Max<TVector>(float* x, int count)
        where TVector : struct, ISimd<TVector>
    {
        var largest = TVector.Broadcast(float.NegativeInfinity);
        var i = 0;
        for (; i <= count - TVector.Lanes; i += TVector.Lanes)
        {
            largest = TVector.Max(largest, TVector.Load(x + i));
        }

        var max = largest.MaxLane();
        for (; i < count; i++)
        {
            max = MathF.Max(max, x[i]);
        }

        return max;
    }
}
