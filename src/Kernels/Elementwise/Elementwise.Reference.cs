namespace MiniMaxSharp.Kernels;

public static partial class Elementwise
{
    /// <summary>Reference twin of <see cref="Silu"/>.</summary>
    public static void SiluReference(Span<float> values)
    {
        foreach (ref var x in values)
        {
            x = (float)(x / (1 + Math.Exp(-(double)x)));
        }
    }

    /// <summary>Reference twin of <see cref="SiluMultiply"/>.</summary>
    public static void SiluMultiplyReference(Span<float> gate, ReadOnlySpan<float> up)
    {
        for (var i = 0; i < gate.Length; i++)
        {
            gate[i] = (float)(gate[i] / (1 + Math.Exp(-(double)gate[i])) * up[i]);
        }
    }

    /// <summary>Reference twin of <see cref="SigmoidMultiply"/>.</summary>
    public static void SigmoidMultiplyReference(Span<float> values, ReadOnlySpan<float> gate)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)(values[i] / (1 + Math.Exp(-(double)gate[i])));
        }
    }

    /// <summary>Reference twin of <see cref="Combine"/>.</summary>
    public static void CombineReference(float alpha, ReadOnlySpan<float> residual, float beta, ReadOnlySpan<float> output, Span<float> destination)
    {
        for (var i = 0; i < residual.Length; i++)
        {
            destination[i] = (float)(((double)alpha * residual[i]) + ((double)beta * output[i]));
        }
    }
}
