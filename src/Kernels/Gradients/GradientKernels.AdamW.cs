using System.Numerics;

namespace MiniMaxSharp.Kernels;

/// <summary>Constants of one AdamW step.</summary>
/// <param name="LearningRate">Step size.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="WeightDecay">Decoupled: the weight shrinks by LearningRate · WeightDecay.</param>
/// <param name="Step">Number of this step, from 1.</param>
/// <param name="GradientScale">Factor of the gradient, from clipping.</param>
public readonly record struct AdamWStep(
    float LearningRate, float Beta1, float Beta2, float Epsilon, float WeightDecay, int Step, float GradientScale);

/// <content>The optimiser step, one pass over four arrays, and the norm of the gradients. Denormal numbers are kept.</content>
public sealed unsafe partial class GradientKernels
{
    private const int OptimizerGrain = 16384;

    /// <summary>
    /// m ← β1 m + (1−β1) g, v ← β2 v + (1−β2) g², w ← w (1 − lr·decay) − lr · m̂ / (√v̂ + ε), with m̂ = m / (1−β1ᵗ), v̂ = v / (1−β2ᵗ).
    /// </summary>
    public void AdamW(Span<float> weight, ReadOnlySpan<float> gradient, Span<float> m, Span<float> v, AdamWStep step)
    {
        CheckLength(Math.Min(gradient.Length, Math.Min(m.Length, v.Length)), weight.Length);
        fixed (float* w0 = weight, g0 = gradient, m0 = m, v0 = v)
        {
            float* pw = w0, pg = g0, pm = m0, pv = v0;
            For(weight.Length, OptimizerGrain, (start, end, _) =>
                AdamWBlock(new(pw + start, end - start), new(pg + start, end - start), new(pm + start, end - start), new(pv + start, end - start), step));
        }
    }

    /// <summary>Σ g², each block in f64 and added in order.</summary>
    public double SquareSum(ReadOnlySpan<float> gradient)
    {
        var sums = new double[(gradient.Length + OptimizerGrain - 1) / OptimizerGrain];
        fixed (float* g0 = gradient)
        {
            var (pg, length) = ((nint)g0, gradient.Length);
            For(sums.Length, 1, (start, end, _) =>
            {
                for (var block = start; block < end; block++)
                {
                    var at = block * OptimizerGrain;
                    sums[block] = SquareSumOf(new((float*)pg + at, Math.Min(OptimizerGrain, length - at)));
                }
            });
        }

        return sums.Sum();
    }

    /// <summary>Reference twin of <see cref="AdamW(Span{float}, ReadOnlySpan{float}, Span{float}, Span{float}, AdamWStep)"/> for one weight, in f64.</summary>
    public static void AdamWReference(ref double weight, double gradient, ref double m, ref double v, AdamWStep step)
    {
        var g = gradient * step.GradientScale;
        m = (step.Beta1 * m) + ((1 - (double)step.Beta1) * g);
        v = (step.Beta2 * v) + ((1 - (double)step.Beta2) * g * g);
        var (m1, v1) = (m / (1 - Math.Pow(step.Beta1, step.Step)), v / (1 - Math.Pow(step.Beta2, step.Step)));
        weight = (weight * (1 - ((double)step.LearningRate * step.WeightDecay))) - (step.LearningRate * m1 / (Math.Sqrt(v1) + step.Epsilon));
    }

    private static double SquareSumOf(ReadOnlySpan<float> values)
    {
        var sum = Vector<double>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(values[i..]), out var low, out var high);
            sum += (low * low) + (high * high);
        }

        var total = Vector.Sum(sum);
        for (; i < values.Length; i++)
        {
            total += (double)values[i] * values[i];
        }

        return total;
    }

    private static void AdamWBlock(Span<float> weight, ReadOnlySpan<float> gradient, Span<float> m, Span<float> v, AdamWStep step)
    {
        var (beta1, beta2, scale, epsilon) = (step.Beta1, step.Beta2, step.GradientScale, step.Epsilon);
        var rate = (float)(step.LearningRate / (1 - Math.Pow(beta1, step.Step)));
        var correction = (float)(1 / (1 - Math.Pow(beta2, step.Step)));
        var keep = 1 - (step.LearningRate * step.WeightDecay);
        var i = 0;
        for (; i <= weight.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var g = new Vector<float>(gradient[i..]) * scale;
            var m1 = (new Vector<float>(m[i..]) * beta1) + (g * (1 - beta1));
            var v1 = (new Vector<float>(v[i..]) * beta2) + (g * (1 - beta2) * g);
            m1.CopyTo(m[i..]);
            v1.CopyTo(v[i..]);
            var update = m1 * rate / (Vector.SquareRoot(v1 * correction) + new Vector<float>(epsilon));
            ((new Vector<float>(weight[i..]) * keep) - update).CopyTo(weight[i..]);
        }

        for (; i < weight.Length; i++)
        {
            var g = gradient[i] * scale;
            m[i] = (m[i] * beta1) + (g * (1 - beta1));
            v[i] = (v[i] * beta2) + (g * (1 - beta2) * g);
            weight[i] = (weight[i] * keep) - (m[i] * rate / (MathF.Sqrt(v[i] * correction) + epsilon));
        }
    }
}
