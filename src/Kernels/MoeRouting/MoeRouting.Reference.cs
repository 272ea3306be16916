namespace MiniMaxSharp.Kernels;

public static partial class MoeRouting
{
    /// <summary>Reference twin of <see cref="TopK"/>: softmax over all E experts in double, the K largest, renormalised.</summary>
    public static void TopKReference(ReadOnlySpan<float> logits_T_E, int topK, Span<int> indices_T_K, Span<float> weights_T_K)
    {
        var tokens = indices_T_K.Length / topK;
        var experts = logits_T_E.Length / Math.Max(1, tokens);
        for (var t = 0; t < tokens; t++)
        {
            var logits = logits_T_E.Slice(t * experts, experts).ToArray();
            var p = logits.Select(g => Math.Exp(g - (double)logits.Max())).ToArray();
            var chosen = Enumerable.Range(0, experts).OrderByDescending(e => p[e]).ThenBy(e => e).Take(topK).ToArray();
            for (var k = 0; k < topK; k++)
            {
                indices_T_K[(t * topK) + k] = chosen[k];
                weights_T_K[(t * topK) + k] = (float)(p[chosen[k]] / chosen.Sum(e => p[e]));
            }
        }
    }

    /// <summary>Reference twin of <see cref="BlendShared"/>.</summary>
    public static void BlendSharedReference(Span<float> y, ReadOnlySpan<float> shared, ReadOnlySpan<float> coefficient_T)
    {
        var width = y.Length / coefficient_T.Length;
        for (var i = 0; i < y.Length; i++)
        {
            var c = 1 / (1 + Math.Exp(-(double)coefficient_T[i / width]));
            y[i] = (float)(((1 - c) * y[i]) + (c * shared[i]));
        }
    }
}
