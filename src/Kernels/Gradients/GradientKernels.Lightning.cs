namespace MiniMaxSharp.Kernels;

/// <content>
/// Lightning attention (specification section 3). With lam = e^(−s) and the state S_t = lam · S_{t−1} + k_tᵀ v_t:
/// o_t = q_t S_t, and from the gradient g of o, with G_t = q_tᵀ g_t + lam · G_{t+1}:
/// dq_t = S_t g_t, dk_t = G_t v_t, dv_t = G_tᵀ k_t. All four are one recurrence, run forwards or backwards; nothing is kept of the states.
/// </content>
public sealed unsafe partial class GradientKernels
{
    /// <summary>
    /// o[T, A, D] from qkv[T, A, 3, D] before silu. Documents are the rows [documents[i], documents[i + 1]); the state starts from zero in each.
    /// </summary>
    /// <param name="qkv">Output of <c>qkv_proj</c>.</param>
    /// <param name="slopes">s of each head, [A].</param>
    /// <param name="documents">Boundaries, from 0 to T.</param>
    /// <param name="o">Result.</param>
    /// <param name="headDim">D.</param>
    public void Lightning(ReadOnlySpan<float> qkv, ReadOnlySpan<float> slopes, ReadOnlySpan<int> documents, Span<float> o, int headDim)
    {
        var tokens = documents[^1];
        var width = slopes.Length * headDim;
        CheckLength(qkv.Length, 3L * tokens * width);
        CheckLength(o.Length, (long)tokens * width);
        fixed (float* px = qkv, po = o)
        {
            var y = Silu(px, 3 * width, tokens);
            var (q, k, v) = Heads(y, headDim, slopes.Length);
            Recurrences(slopes, documents, headDim, new Recurrence(k, v, q, new HeadVectors(po, width, headDim), reverse: false));
        }
    }

    /// <summary>Gradient of <see cref="Lightning"/> for qkv.</summary>
    public void LightningGradient(
        ReadOnlySpan<float> dO, ReadOnlySpan<float> qkv, ReadOnlySpan<float> slopes, ReadOnlySpan<int> documents, Span<float> dqkv, int headDim)
    {
        var tokens = documents[^1];
        var width = slopes.Length * headDim;
        CheckLength(Math.Min(qkv.Length, dqkv.Length), 3L * tokens * width);
        CheckLength(dO.Length, (long)tokens * width);
        fixed (float* px = qkv, pg = dO, pd0 = dqkv)
        {
            var y = Silu(px, 3 * width, tokens);
            var (q, k, v) = Heads(y, headDim, slopes.Length);
            var (dq, dk, dv) = Heads(pd0, headDim, slopes.Length);
            var g = new HeadVectors(pg, width, headDim);
            Recurrences(
                slopes,
                documents,
                headDim,
                new Recurrence(v, k, g, dq, reverse: false),
                new Recurrence(q, g, k, dv, reverse: true),
                new Recurrence(g, q, v, dk, reverse: true));
            float* x = px, d = pd0;
            For(tokens, NormGrain, (start, end, _) => SiluGradient(x + ((nint)start * 3 * width), d + ((nint)start * 3 * width), (end - start) * 3 * width));
        }
    }

    /// <summary>q, k and v of [T, A, 3, D].</summary>
    private static (HeadVectors Q, HeadVectors K, HeadVectors V) Heads(float* values, int D, int heads) =>
        (new(values, 3 * heads * D, 3 * D), new(values + D, 3 * heads * D, 3 * D), new(values + (2 * D), 3 * heads * D, 3 * D));

    private float* Silu(float* x, int width, int tokens)
    {
        var y = Buffer(Scratch.Activations, (long)tokens * width);
        For(tokens, NormGrain, (start, end, _) =>
        {
            float* from = x + ((nint)start * width), to = y + ((nint)start * width);
            switch (Isa.Path)
            {
                case IsaPath.V512: GradientRows.Silu<F32x16>(from, to, (end - start) * width); break;
                case IsaPath.V256: GradientRows.Silu<F32x8>(from, to, (end - start) * width); break;
                default: GradientRows.Silu<F32x1>(from, to, (end - start) * width); break;
            }
        });
        return y;
    }

    private static void SiluGradient(float* x, float* d, int count)
    {
        switch (Isa.Path)
        {
            case IsaPath.V512: GradientRows.SiluGradient<F32x16>(x, d, count); break;
            case IsaPath.V256: GradientRows.SiluGradient<F32x8>(x, d, count); break;
            default: GradientRows.SiluGradient<F32x1>(x, d, count); break;
        }
    }

    /// <summary>Runs recurrences for each document, head and panel of columns.</summary>
    private void Recurrences(ReadOnlySpan<float> slopes, ReadOnlySpan<int> documents, int D, params Recurrence[] recurrences)
    {
        var (A, ends, decays) = (slopes.Length, documents.ToArray(), new float[slopes.Length]);
        for (var h = 0; h < A; h++)
        {
            decays[h] = MathF.Exp(-slopes[h]);
        }

        var lanes = Isa.Path switch { IsaPath.V512 => F32x16.Lanes, IsaPath.V256 => F32x8.Lanes, _ => 1 };
        var panels = (D + (2 * lanes) - 1) / (2 * lanes);
        For((ends.Length - 1) * A * recurrences.Length * panels, 1, (start, end, worker) =>
        {
            for (var item = start; item < end; item++)
            {
                var (rest, panel) = Math.DivRem(item, panels);
                (rest, var which) = Math.DivRem(rest, recurrences.Length);
                var (document, head) = Math.DivRem(rest, A);
                var state = pool.Scratch(worker, 2 * D * lanes);
                recurrences[which].Run(head, D, ends[document], ends[document + 1], decays[head], panel * 2 * lanes, lanes, state);
            }
        });
    }
}
