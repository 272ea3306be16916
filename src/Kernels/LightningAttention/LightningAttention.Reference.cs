namespace MiniMaxSharp.Kernels;

public static partial class LightningAttention
{
    /// <summary>
    /// Reference twin of <see cref="Forward"/> for one head: S_t = e^(−s) S_{t−1} + k_tᵀ v_t, o_t = q_t S_t, all in double.
    /// q, k, v and o are [T, D]; <paramref name="state"/> is [D, D].
    /// </summary>
    public static void Reference(
        ReadOnlySpan<float> q_T_D, ReadOnlySpan<float> k_T_D, ReadOnlySpan<float> v_T_D, float slope, Span<double> state, Span<float> o_T_D, int headDim)
    {
        var decay = Math.Exp(-(double)slope);
        for (var t = 0; t < q_T_D.Length; t += headDim)
        {
            for (var j = 0; j < headDim; j++)
            {
                var o = 0.0;
                for (var i = 0; i < headDim; i++)
                {
                    ref var s = ref state[(i * headDim) + j];
                    s = (decay * s) + ((double)k_T_D[t + i] * v_T_D[t + j]);
                    o += q_T_D[t + i] * s;
                }

                o_T_D[t + j] = (float)o;
            }
        }
    }
}
