namespace MiniMaxSharp.Kernels;

public static partial class SoftmaxAttention
{
    /// <summary>
    /// Reference twin of <see cref="Forward"/> for one query head: q [T, D] are the last T of n positions, k and v [n, D];
    /// o_t = Σ_{j ≤ t} softmax(q_t · k_j / sqrt(D)) v_j, in double.
    /// </summary>
    public static void Reference(ReadOnlySpan<float> q_T_D, ReadOnlySpan<float> k_n_D, ReadOnlySpan<float> v_n_D, Span<float> o_T_D, int headDim)
    {
        var (tokens, length) = (q_T_D.Length / headDim, k_n_D.Length / headDim);
        for (var t = 0; t < tokens; t++)
        {
            var scores = new double[length - tokens + t + 1];
            for (var j = 0; j < scores.Length; j++)
            {
                for (var d = 0; d < headDim; d++)
                {
                    scores[j] += (double)q_T_D[(t * headDim) + d] * k_n_D[(j * headDim) + d] / Math.Sqrt(headDim);
                }
            }

            var max = scores.Max();
            var sum = scores.Sum(s => Math.Exp(s - max));
            for (var d = 0; d < headDim; d++)
            {
                var o = 0.0;
                for (var j = 0; j < scores.Length; j++)
                {
                    o += Math.Exp(scores[j] - max) / sum * v_n_D[(j * headDim) + d];
                }

                o_T_D[(t * headDim) + d] = (float)o;
            }
        }
    }
}
