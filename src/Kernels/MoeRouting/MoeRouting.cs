using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Choice of experts and the moves of rows between token order and expert order (specification section 5).
/// Legend: T tokens, E experts, K choices per token, H hidden width.
/// </summary>
public static unsafe partial class MoeRouting
{
    /// <summary>
    /// Chooses the K largest of E router logits for each token and weights them by the softmax over the chosen ones,
    /// which equals softmax over all, top-k, renormalise. Equal logits: the lower expert first.
    /// </summary>
    /// <param name="logits_T_E">Router logits.</param>
    /// <param name="topK">K.</param>
    /// <param name="indices_T_K">Chosen experts, largest weight first.</param>
    /// <param name="weights_T_K">Their weights, sum 1.</param>
    public static void TopK(ReadOnlySpan<float> logits_T_E, int topK, Span<int> indices_T_K, Span<float> weights_T_K)
    {
        var tokens = indices_T_K.Length / topK;
        var experts = logits_T_E.Length / Math.Max(1, tokens);
        Span<float> left = experts <= 1024 ? stackalloc float[experts] : new float[experts];
        for (var t = 0; t < tokens; t++)
        {
            var logits = logits_T_E.Slice(t * experts, experts);
            logits.CopyTo(left);
            var indices = indices_T_K.Slice(t * topK, topK);
            var weights = weights_T_K.Slice(t * topK, topK);
            for (var k = 0; k < topK; k++)
            {
                indices[k] = Largest(left);
                left[indices[k]] = float.NegativeInfinity;
                weights[k] = MathF.Exp(logits[indices[k]] - logits[indices[0]]);
            }

            var sum = 0f;
            foreach (var weight in weights)
            {
                sum += weight;
            }

            foreach (ref var weight in weights)
            {
                weight /= sum;
            }
        }
    }

    /// <summary>
    /// Sorts the T·K choices by expert: <paramref name="offsets"/>[e] … offsets[e + 1] are the grouped rows of expert e, tokens ascending;
    /// <paramref name="slots_T_K"/> is the grouped row of each choice.
    /// </summary>
    public static void Group(ReadOnlySpan<int> indices_T_K, Span<int> offsets, Span<int> slots_T_K)
    {
        offsets.Clear();
        foreach (var expert in indices_T_K)
        {
            offsets[expert + 1]++;
        }

        for (var expert = 1; expert < offsets.Length; expert++)
        {
            offsets[expert] += offsets[expert - 1];
        }

        for (var choice = 0; choice < indices_T_K.Length; choice++)
        {
            slots_T_K[choice] = offsets[indices_T_K[choice]]++;
        }

        for (var expert = offsets.Length - 1; expert > 0; expert--)
        {
            offsets[expert] = offsets[expert - 1];
        }

        offsets[0] = 0;
    }

    /// <summary>grouped[slot(t, k)] ← x[t]: <paramref name="x"/> [T, H], <paramref name="grouped"/> [T·K, H].</summary>
    public static void Gather(AlignedBuffer<float> x, ReadOnlySpan<int> slots_T_K, int topK, int width, AlignedBuffer<float> grouped)
    {
        for (var choice = 0; choice < slots_T_K.Length; choice++)
        {
            x.Span.Slice(choice / topK * width, width).CopyTo(grouped.Span.Slice(slots_T_K[choice] * width, width));
        }
    }

    /// <summary>y[t] ← Σ_k weight(t, k) · grouped[slot(t, k)], experts ascending as in the official code.</summary>
    public static void Combine(
        AlignedBuffer<float> grouped, AlignedBuffer<int> slots_T_K, AlignedBuffer<float> weights_T_K, int tokens, int topK, int width, AlignedBuffer<float> y, ComputePool pool)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)tokens * topK, Math.Min(slots_T_K.Length, weights_T_K.Length), nameof(tokens));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)tokens * topK * width, grouped.Length, nameof(tokens));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)tokens * width, y.Length, nameof(tokens));
        var work = new CombineWork(grouped.Pointer, slots_T_K.Pointer, weights_T_K.Pointer, topK, width, y.Pointer);
        pool.For(tokens, grain: Math.Max(1, 16384 / width), ref work);
    }

    /// <summary>y[t] ← (1 − c) · y[t] + c · shared[t] with c = sigmoid(coefficient[t]), T rows of width H: the shared MLP of MiniMax-Text-01 style models.</summary>
    public static void BlendShared(AlignedBuffer<float> y, AlignedBuffer<float> shared, ReadOnlySpan<float> coefficient_T, int width, ComputePool pool)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)coefficient_T.Length * width, Math.Min(y.Length, shared.Length), nameof(coefficient_T));
        fixed (float* coefficients = coefficient_T)
        {
            var work = new BlendWork(y.Pointer, shared.Pointer, coefficients, width);
            pool.For(coefficient_T.Length, grain: Math.Max(1, 16384 / width), ref work);
        }
    }

    /// <summary>Index of the largest value, the lowest of equals; a row of NaN gives 0, and the logits of the head will show the NaN.</summary>
    private static int Largest(ReadOnlySpan<float> logits)
    {
        fixed (float* row = logits)
        {
            var max = Isa.Path switch
            {
                IsaPath.V512 => VectorMath.Max<F32x16>(row, logits.Length),
                IsaPath.V256 => VectorMath.Max<F32x8>(row, logits.Length),
                _ => VectorMath.Max<F32x1>(row, logits.Length),
            };
            return Math.Max(0, logits.IndexOf(max));
        }
    }

    private readonly struct BlendWork(float* y, float* shared, float* coefficients, int width) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            for (var t = start; t < end; t++)
            {
                var c = (float)(1 / (1 + Math.Exp(-(double)coefficients[t])));
                var offset = (nint)t * width;
                switch (Isa.Path)
                {
                    case IsaPath.V512: Row<F32x16>(y + offset, shared + offset, c); break;
                    case IsaPath.V256: Row<F32x8>(y + offset, shared + offset, c); break;
                    default: Row<F32x1>(y + offset, shared + offset, c); break;
                }
            }
        }

        private void Row<TVector>(float* row, float* other, float c)
            where TVector : struct, ISimd<TVector>
        {
            TVector keep = TVector.Broadcast(1 - c), take = TVector.Broadcast(c);
            var i = 0;
            for (; i <= width - TVector.Lanes; i += TVector.Lanes)
            {
                TVector.Fma(take, TVector.Load(other + i), keep * TVector.Load(row + i)).Store(row + i);
            }

            for (; i < width; i++)
            {
                row[i] = MathF.FusedMultiplyAdd(c, other[i], (1 - c) * row[i]);
            }
        }
    }

    private readonly struct CombineWork(float* grouped, int* slots, float* weights, int topK, int width, float* y) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            for (var t = start; t < end; t++)
            {
                switch (Isa.Path)
                {
                    case IsaPath.V512: Row<F32x16>(t); break;
                    case IsaPath.V256: Row<F32x8>(t); break;
                    default: Row<F32x1>(t); break;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Row<TVector>(int t)
            where TVector : struct, ISimd<TVector>
        {
            var target = y + ((nint)t * width);
            var previous = -1;
            for (var k = 0; k < topK; k++)
            {
                var next = NextSlot(t, previous); // Grouped rows ascend with the expert.
                var (source, weight) = (slots[next], weights[next]);
                Accumulate<TVector>(grouped + ((nint)source * width), weight, target, add: k > 0);
                previous = source;
            }
        }

        private int NextSlot(int t, int previous)
        {
            var best = -1;
            for (var choice = t * topK; choice < (t + 1) * topK; choice++)
            {
                if (slots[choice] > previous && (best < 0 || slots[choice] < slots[best]))
                {
                    best = choice;
                }
            }

            return best;
        }

        private void Accumulate<TVector>(float* source, float weight, float* target, bool add)
            where TVector : struct, ISimd<TVector>
        {
            var factor = TVector.Broadcast(weight);
            var i = 0;
            for (; i <= width - TVector.Lanes; i += TVector.Lanes)
            {
                TVector.Fma(factor, TVector.Load(source + i), add ? TVector.Load(target + i) : TVector.Zero).Store(target + i);
            }

            for (; i < width; i++)
            {
                target[i] = MathF.FusedMultiplyAdd(weight, source[i], add ? target[i] : 0);
            }
        }
    }
}
