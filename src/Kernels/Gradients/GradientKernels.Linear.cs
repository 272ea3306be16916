namespace MiniMaxSharp.Kernels;

/// <content>Linear layers y = x Wᵀ and their gradients.</content>
public sealed unsafe partial class GradientKernels
{
    private const int BlockRows = 16 * Gemm.TileRows;
    private const int BlockTokens = 256;

    /// <summary>
    /// y[T, N] = x[T, K] · W[N, K]ᵀ. <paramref name="roundToBf16"/>: with the weights rounded to bfloat16.
    /// </summary>
    public void Linear(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, Span<float> y, int tokens, int inputs, int outputs, bool roundToBf16)
    {
        CheckLinear(x.Length, weight.Length, y.Length, tokens, inputs, outputs);
        fixed (float* px = x, pw = weight, py = y)
        {
            switch (Isa.Path)
            {
                case IsaPath.V512: Multiply<F32x16>(px, pw, 1, inputs, py, tokens, outputs, inputs, false, roundToBf16); break;
                case IsaPath.V256: Multiply<F32x8>(px, pw, 1, inputs, py, tokens, outputs, inputs, false, roundToBf16); break;
                default: Multiply<F32x1>(px, pw, 1, inputs, py, tokens, outputs, inputs, false, roundToBf16); break;
            }
        }
    }

    /// <summary>Gradient of <see cref="Linear"/> for its input: dx[T, K] (+)= dy[T, N] · W[N, K].</summary>
    public void LinearInputGradient(
        ReadOnlySpan<float> dy, ReadOnlySpan<float> weight, Span<float> dx, int tokens, int inputs, int outputs, bool add, bool roundToBf16)
    {
        CheckLinear(dx.Length, weight.Length, dy.Length, tokens, inputs, outputs);
        fixed (float* pdx = dx, pw = weight, pdy = dy)
        {
            switch (Isa.Path)
            {
                case IsaPath.V512: Multiply<F32x16>(pdy, pw, inputs, 1, pdx, tokens, inputs, outputs, add, roundToBf16); break;
                case IsaPath.V256: Multiply<F32x8>(pdy, pw, inputs, 1, pdx, tokens, inputs, outputs, add, roundToBf16); break;
                default: Multiply<F32x1>(pdy, pw, inputs, 1, pdx, tokens, inputs, outputs, add, roundToBf16); break;
            }
        }
    }

    /// <summary>Gradient of <see cref="Linear"/> for its weight: dW[N, K] = dy[T, N]ᵀ · x[T, K].</summary>
    public void LinearWeightGradient(ReadOnlySpan<float> dy, ReadOnlySpan<float> x, Span<float> dweight, int tokens, int inputs, int outputs)
    {
        CheckLinear(x.Length, dweight.Length, dy.Length, tokens, inputs, outputs);
        fixed (float* px = x, pdw = dweight, pdy = dy)
        {
            switch (Isa.Path)
            {
                case IsaPath.V512: WeightGradient<F32x16>(pdy, px, pdw, tokens, inputs, outputs); break;
                case IsaPath.V256: WeightGradient<F32x8>(pdy, px, pdw, tokens, inputs, outputs); break;
                default: WeightGradient<F32x1>(pdy, px, pdw, tokens, inputs, outputs); break;
            }
        }
    }

    /// <summary>Reference twin of <see cref="Linear"/>.</summary>
    public static void LinearReference(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, Span<float> y, int tokens, int inputs, int outputs)
    {
        for (var t = 0; t < tokens; t++)
        {
            for (var n = 0; n < outputs; n++)
            {
                var sum = 0.0;
                for (var k = 0; k < inputs; k++)
                {
                    sum += (double)x[(t * inputs) + k] * weight[(n * inputs) + k];
                }

                y[(t * outputs) + n] = (float)sum;
            }
        }
    }

    private static void CheckLinear(int xLength, int weightLength, int yLength, int tokens, int inputs, int outputs)
    {
        CheckLength(xLength, (long)tokens * inputs);
        CheckLength(weightLength, (long)outputs * inputs);
        CheckLength(yLength, (long)tokens * outputs);
    }

    /// <summary>Packs B, then multiplies blocks of rows.</summary>
    private void Multiply<TVector>(float* a, float* b, nint strideK, nint strideN, float* c, int M, int N, int K, bool add, bool roundToBf16)
        where TVector : struct, ISimd<TVector>
    {
        var packed = PackAll<TVector>(Scratch.Packed, b, strideK, strideN, K, N, roundToBf16);
        var blocks = (M + BlockRows - 1) / BlockRows;
        For(blocks, 1, (start, end, _) =>
        {
            for (var row = start * BlockRows; row < Math.Min(end * BlockRows, M); row += BlockRows)
            {
                Gemm.Multiply<TVector>(a + ((nint)row * K), K, 1, packed, c + ((nint)row * N), N, Math.Min(BlockRows, M - row), N, K, add);
            }
        });
    }

    private float* PackAll<TVector>(Scratch buffer, float* b, nint strideK, nint strideN, int K, int N, bool roundToBf16)
        where TVector : struct, ISimd<TVector>
    {
        var length = Gemm.PackedLength<TVector>(K, N);
        var packed = Buffer(buffer, length);
        For(length / (Gemm.Width<TVector>() * K), 1, (start, end, _) =>
        {
            for (var panel = start; panel < end; panel++)
            {
                Gemm.Pack<TVector>(b, strideK, strideN, K, N, panel, packed, roundToBf16);
            }
        });
        return packed;
    }

    private void WeightGradient<TVector>(float* dy, float* x, float* dweight, int tokens, int inputs, int outputs)
        where TVector : struct, ISimd<TVector>
    {
        var length = inputs * outputs;
        var parts = Buffer(Scratch.Parts, (long)length * pool.Threads);
        var packLength = Gemm.PackedLength<TVector>(BlockTokens, inputs);
        var packed = Buffer(Scratch.Packed, (long)packLength * pool.Threads);
        ForParts(tokens, (part, start, end) =>
            AddWeightGradient<TVector>(dy, x, parts + ((nint)part * length), start, end, inputs, outputs, packed + ((nint)part * packLength), add: false));
        ForParts(length, (_, start, end) =>
        {
            for (var i = start; i < end; i++)
            {
                var sum = parts[i];
                for (var part = 1; part < pool.Threads; part++)
                {
                    sum += parts[((nint)part * length) + i];
                }

                dweight[i] = sum;
            }
        });
    }

    /// <summary>dW (+)= dyᵀ x over tokens [start, end); one thread. <paramref name="packed"/> holds one block of tokens.</summary>
    private static void AddWeightGradient<TVector>(
        float* dy, float* x, float* dweight, int start, int end, int inputs, int outputs, float* packed, bool add)
        where TVector : struct, ISimd<TVector>
    {
        if (start == end && !add)
        {
            new Span<float>(dweight, inputs * outputs).Clear();
        }

        for (var t = start; t < end; t += BlockTokens)
        {
            var depth = Math.Min(BlockTokens, end - t);
            var panels = (inputs + Gemm.Width<TVector>() - 1) / Gemm.Width<TVector>();
            for (var panel = 0; panel < panels; panel++)
            {
                Gemm.Pack<TVector>(x + ((nint)t * inputs), inputs, 1, depth, inputs, panel, packed, roundToBf16: false);
            }

            Gemm.Multiply<TVector>(dy + ((nint)t * outputs), 1, outputs, packed, dweight, inputs, outputs, inputs, depth, add || t > start);
        }
    }
}
