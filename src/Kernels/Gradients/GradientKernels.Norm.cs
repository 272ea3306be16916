namespace MiniMaxSharp.Kernels;

/// <content>RMS norms: u = w · x / sqrt(mean(x²) + eps), alone, after a scaled sum, and under the output gate of lightning attention.</content>
public sealed unsafe partial class GradientKernels
{
    private const int NormGrain = 32;

    /// <summary>
    /// x = alpha · r + beta · a and u = rms(x; w), rows of [T, H] (specification section 2). An empty <paramref name="a"/> leaves x = alpha · r.
    /// <paramref name="inverse"/> [T] is kept for the gradient.
    /// </summary>
    public void AddNorm(
        ReadOnlySpan<float> r, float alpha, ReadOnlySpan<float> a, float beta, ReadOnlySpan<float> weight, float eps, Span<float> x, Span<float> u, Span<float> inverse)
    {
        var (width, rows) = (weight.Length, inverse.Length);
        CheckLength(Math.Min(r.Length, Math.Min(x.Length, u.Length)), (long)rows * width);
        CheckLength(a.IsEmpty ? r.Length : a.Length, (long)rows * width);
        fixed (float* r0 = r, a0 = a, w0 = weight, x0 = x, u0 = u, i0 = inverse)
        {
            float* pr = r0, pa = a0, pw = w0, px = x0, pu = u0, pi = i0;
            For(rows, NormGrain, (start, end, _) =>
            {
                for (var t = start; t < end; t++)
                {
                    var row = (nint)t * width;
                    Sum(pr + row, alpha, pa == null ? null : pa + row, beta, px + row, width);
                    pi[t] = InverseRms(px + row, width, eps);
                    Scale(px + row, pw, pi[t], pu + row, width);
                }
            });
        }
    }

    /// <summary>Gradient of <see cref="AddNorm"/> for x and w: dx [T, H] from du, and dw [H].</summary>
    public void NormGradient(
        ReadOnlySpan<float> du, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> inverse, Span<float> dx, Span<float> dweight)
    {
        var (width, rows) = (weight.Length, inverse.Length);
        CheckLength(Math.Min(du.Length, Math.Min(x.Length, dx.Length)), (long)rows * width);
        CheckLength(dweight.Length, width);
        fixed (float* g0 = du, x0 = x, w0 = weight, i0 = inverse, d0 = dx, dw = dweight)
        {
            float* pg = g0, px = x0, pw = w0, pi = i0, pd = d0;
            var parts = Buffer(Scratch.Parts, (long)pool.Threads * width);
            ForParts(rows, (part, start, end) =>
            {
                var sums = parts + ((nint)part * width);
                new Span<float>(sums, width).Clear();
                for (var t = start; t < end; t++)
                {
                    NormRow(pg + ((nint)t * width), px + ((nint)t * width), pw, pi[t], pd + ((nint)t * width), sums, width);
                }
            });
            AddParts(parts, pool.Threads, width, dw);
        }
    }

    /// <summary>y = sigmoid(gate) · rms(o; w), rows of [T, A·D] (specification section 3): the norm first, the gate second.</summary>
    public void GatedNorm(ReadOnlySpan<float> o, ReadOnlySpan<float> gate, ReadOnlySpan<float> weight, float eps, Span<float> y, Span<float> inverse)
    {
        var (width, rows) = (weight.Length, inverse.Length);
        CheckLength(Math.Min(o.Length, Math.Min(gate.Length, y.Length)), (long)rows * width);
        fixed (float* o0 = o, g0 = gate, w0 = weight, y0 = y, i0 = inverse)
        {
            float* po = o0, pg = g0, pw = w0, py = y0, pi = i0;
            For(rows, NormGrain, (start, end, _) =>
            {
                for (var t = start; t < end; t++)
                {
                    var row = (nint)t * width;
                    pi[t] = InverseRms(po + row, width, eps);
                    Scale(po + row, pw, pi[t], py + row, width);
                    Gate(pg + row, py + row, width);
                }
            });
        }
    }

    /// <summary>Gradient of <see cref="GatedNorm"/>: do and dgate [T, A·D], dw [A·D].</summary>
    public void GatedNormGradient(
        ReadOnlySpan<float> dy, ReadOnlySpan<float> o, ReadOnlySpan<float> gate, ReadOnlySpan<float> weight, ReadOnlySpan<float> inverse,
        Span<float> dO, Span<float> dgate, Span<float> dweight)
    {
        var (width, rows) = (weight.Length, inverse.Length);
        CheckLength(Math.Min(Math.Min(dy.Length, o.Length), Math.Min(gate.Length, Math.Min(dO.Length, dgate.Length))), (long)rows * width);
        CheckLength(dweight.Length, width);
        fixed (float* y0 = dy, o0 = o, g0 = gate, w0 = weight, i0 = inverse, do0 = dO, dg0 = dgate, dw = dweight)
        {
            float* py = y0, po = o0, pg = g0, pw = w0, pi = i0, pdo = do0, pdg = dg0;
            var parts = Buffer(Scratch.Parts, (long)pool.Threads * width);
            ForParts(rows, (part, start, end) =>
            {
                var sums = parts + ((nint)part * width);
                new Span<float>(sums, width).Clear();
                for (var t = start; t < end; t++)
                {
                    var row = (nint)t * width;
                    GateRow(py + row, po + row, pg + row, pw, pi[t], pdo + row, pdg + row, width);
                    NormRow(pdo + row, po + row, pw, pi[t], pdo + row, sums, width);
                }
            });
            AddParts(parts, pool.Threads, width, dw);
        }
    }

    private static void Sum(float* r, float alpha, float* a, float beta, float* x, int width)
    {
        switch (Isa.Path)
        {
            case IsaPath.V512: GradientRows.Sum<F32x16>(r, alpha, a, beta, x, width); break;
            case IsaPath.V256: GradientRows.Sum<F32x8>(r, alpha, a, beta, x, width); break;
            default: GradientRows.Sum<F32x1>(r, alpha, a, beta, x, width); break;
        }
    }

    private static float InverseRms(float* x, int width, float eps) => Isa.Path switch
    {
        IsaPath.V512 => GradientRows.InverseRms<F32x16>(x, width, eps),
        IsaPath.V256 => GradientRows.InverseRms<F32x8>(x, width, eps),
        _ => GradientRows.InverseRms<F32x1>(x, width, eps),
    };

    private static void Scale(float* x, float* weight, float inverse, float* u, int width)
    {
        switch (Isa.Path)
        {
            case IsaPath.V512: GradientRows.Scale<F32x16>(x, weight, inverse, u, width); break;
            case IsaPath.V256: GradientRows.Scale<F32x8>(x, weight, inverse, u, width); break;
            default: GradientRows.Scale<F32x1>(x, weight, inverse, u, width); break;
        }
    }

    private static void Gate(float* gate, float* y, int width)
    {
        switch (Isa.Path)
        {
            case IsaPath.V512: GradientRows.Gate<F32x16>(gate, y, width); break;
            case IsaPath.V256: GradientRows.Gate<F32x8>(gate, y, width); break;
            default: GradientRows.Gate<F32x1>(gate, y, width); break;
        }
    }

    private static void GateRow(float* dy, float* o, float* gate, float* weight, float inverse, float* dNorm, float* dgate, int width)
    {
        switch (Isa.Path)
        {
            case IsaPath.V512: GradientRows.GateGradient<F32x16>(dy, o, gate, weight, inverse, dNorm, dgate, width); break;
            case IsaPath.V256: GradientRows.GateGradient<F32x8>(dy, o, gate, weight, inverse, dNorm, dgate, width); break;
            default: GradientRows.GateGradient<F32x1>(dy, o, gate, weight, inverse, dNorm, dgate, width); break;
        }
    }

    private static void NormRow(float* du, float* x, float* weight, float inverse, float* dx, float* dweight, int width)
    {
        switch (Isa.Path)
        {
            case IsaPath.V512: GradientRows.NormGradient<F32x16>(du, x, weight, inverse, dx, dweight, width); break;
            case IsaPath.V256: GradientRows.NormGradient<F32x8>(du, x, weight, inverse, dx, dweight, width); break;
            default: GradientRows.NormGradient<F32x1>(du, x, weight, inverse, dx, dweight, width); break;
        }
    }
}
