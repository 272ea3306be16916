namespace MiniMaxSharp.Kernels;

/// <summary>The matrices of the experts of a layer, or their gradients: w1 (gate) and w3 (up) [I, H], w2 (down) [H, I] of each of E.</summary>
public sealed record ExpertMatrices(NativeFloats[] W1, NativeFloats[] W2, NativeFloats[] W3);

/// <content>
/// Experts (specification section 5): y_n = Σ_k weight_nk · w2_e(silu(w1_e u_n) · w3_e u_n), e the k-th expert of token n.
/// Rows are sorted by expert; an expert computes its own rows only.
/// </content>
public sealed unsafe partial class GradientKernels
{
    /// <summary>
    /// y[N, H] from u[N, H] and the routing weights [N, K]. <paramref name="gate"/> and <paramref name="up"/>, w1 u and w3 u of the sorted rows
    /// [N·K, I], are kept for the gradient.
    /// </summary>
    public void Experts(
        ReadOnlySpan<float> u, ReadOnlySpan<float> weights, ExpertRoutes routes, ExpertMatrices matrices, Span<float> gate, Span<float> up, Span<float> y,
        int hidden, int intermediate, bool roundToBf16)
    {
        CheckExperts(u.Length, y.Length, weights.Length, gate.Length, up.Length, routes, hidden, intermediate);
        fixed (float* pu = u, pw = weights, pg = gate, pup = up, py = y)
        {
            var run = new ExpertRun(this, routes, matrices, hidden, intermediate, roundToBf16, pu, pw, pg, pup);
            switch (Isa.Path)
            {
                case IsaPath.V512: run.Forward<F32x16>(py); break;
                case IsaPath.V256: run.Forward<F32x8>(py); break;
                default: run.Forward<F32x1>(py); break;
            }
        }
    }

    /// <summary>Gradient of <see cref="Experts"/> for u, the routing weights and the matrices.</summary>
    public void ExpertsGradient(
        ReadOnlySpan<float> dy, ReadOnlySpan<float> u, ReadOnlySpan<float> weights, ExpertRoutes routes, ExpertMatrices matrices,
        ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> du, Span<float> dweights, ExpertMatrices gradients,
        int hidden, int intermediate, bool roundToBf16)
    {
        CheckExperts(u.Length, Math.Min(dy.Length, du.Length), Math.Min(weights.Length, dweights.Length), gate.Length, up.Length, routes, hidden, intermediate);
        fixed (float* pdy = dy, pu = u, pw = weights, pg = gate, pup = up, pdu = du, pdw = dweights)
        {
            var run = new ExpertRun(this, routes, matrices, hidden, intermediate, roundToBf16, pu, pw, pg, pup);
            switch (Isa.Path)
            {
                case IsaPath.V512: run.Backward<F32x16>(pdy, pdu, pdw, gradients); break;
                case IsaPath.V256: run.Backward<F32x8>(pdy, pdu, pdw, gradients); break;
                default: run.Backward<F32x1>(pdy, pdu, pdw, gradients); break;
            }
        }
    }

    private static void CheckExperts(int u, int y, int weights, int gate, int up, ExpertRoutes routes, int hidden, int intermediate)
    {
        CheckLength(Math.Min(u, y), (long)routes.Rows / routes.PerToken * hidden);
        CheckLength(weights, routes.Rows);
        CheckLength(Math.Min(gate, up), (long)routes.Rows * intermediate);
    }

    /// <summary>One call: its sizes and pointers. H hidden, I intermediate, rows sorted by expert.</summary>
    private sealed class ExpertRun(
        GradientKernels owner, ExpertRoutes routes, ExpertMatrices matrices, int H, int I, bool roundToBf16, float* u, float* weights, float* gate, float* up)
    {
        public void Forward<TVector>(float* y)
            where TVector : struct, ISimd<TVector>
        {
            var packed = Pack<TVector>(transposed: true, out var intoLength, out var outOfLength);
            var rows = owner.Buffer(Scratch.Rows, (long)routes.Rows * H);
            var blocks = routes.Blocks(BlockRows);
            owner.For(blocks.Count, 1, (start, end, worker) =>
            {
                for (var i = start; i < end; i++)
                {
                    var (e, first, count) = blocks[i];
                    var inputs = owner.pool.Scratch(worker, BlockRows * (H + I));
                    var h = inputs + (BlockRows * H);
                    var panels = Panels(packed, e, intoLength, outOfLength);
                    Gather(u, first, count, inputs);
                    float* g = gate + ((nint)first * I), p = up + ((nint)first * I);
                    Gemm.Multiply<TVector>(inputs, H, 1, panels.W1, g, I, count, I, H, add: false);
                    Gemm.Multiply<TVector>(inputs, H, 1, panels.W3, p, I, count, I, H, add: false);
                    GradientRows.SwiGlu<TVector>(g, p, 1, h, count * I);
                    Gemm.Multiply<TVector>(h, I, 1, panels.W2, rows + ((nint)first * H), H, count, H, I, add: false);
                }
            });
            SumPairs<TVector>(rows, weights, y);
        }

        public void Backward<TVector>(float* dy, float* du, float* dweights, ExpertMatrices gradients)
            where TVector : struct, ISimd<TVector>
        {
            var packed = Pack<TVector>(transposed: false, out var intoLength, out var outOfLength);
            var rows = owner.Buffer(Scratch.Rows, (long)routes.Rows * ((3 * H) + (3 * I)));
            nint sizeH = (nint)routes.Rows * H, sizeI = (nint)routes.Rows * I;
            float* dInputs = rows, inputs = dInputs + sizeH, dOutputs = inputs + sizeH, h = dOutputs + sizeH, dGate = h + sizeI, dUp = dGate + sizeI;
            var blocks = routes.Blocks(BlockRows);
            owner.For(blocks.Count, 1, (start, end, _) =>
            {
                for (var i = start; i < end; i++)
                {
                    var (e, first, count) = blocks[i];
                    var panels = Panels(packed, e, intoLength, outOfLength);
                    nint atH = (nint)first * H, atI = (nint)first * I;
                    Gather(u, first, count, inputs + atH);
                    Gather(dy, first, count, dOutputs + atH);
                    Gemm.Multiply<TVector>(dOutputs + atH, H, 1, panels.W2, h + atI, I, count, I, H, add: false);
                    for (var row = first; row < first + count; row++)
                    {
                        var (pair, at) = (routes.PairOfRow[row], (nint)row * I);
                        dweights[pair] = GradientRows.SwiGluGradient<TVector>(gate + at, up + at, weights[pair], h + at, dGate + at, dUp + at, I);
                    }

                    Gemm.Multiply<TVector>(dGate + atI, I, 1, panels.W1, dInputs + atH, H, count, H, I, add: false);
                    Gemm.Multiply<TVector>(dUp + atI, I, 1, panels.W3, dInputs + atH, H, count, H, I, add: true);
                }
            });
            SumPairs<TVector>(dInputs, null, du);
            MatrixGradients<TVector>(inputs, dOutputs, h, dGate, dUp, gradients);
        }

        private void MatrixGradients<TVector>(float* inputs, float* dOutputs, float* h, float* dGate, float* dUp, ExpertMatrices gradients)
            where TVector : struct, ISimd<TVector>
        {
            var packLength = Math.Max(Gemm.PackedLength<TVector>(BlockTokens, H), Gemm.PackedLength<TVector>(BlockTokens, I));
            owner.For(3 * routes.Experts, 1, (start, end, worker) =>
            {
                for (var item = start; item < end; item++)
                {
                    var (e, which) = Math.DivRem(item, 3);
                    var packed = owner.pool.Scratch(worker, packLength);
                    var (first, last) = (routes.Offsets[e], routes.Offsets[e + 1]);
                    switch (which)
                    {
                        case 0: AddWeightGradient<TVector>(dGate, inputs, gradients.W1[e].Data, first, last, H, I, packed, add: false); break;
                        case 1: AddWeightGradient<TVector>(dUp, inputs, gradients.W3[e].Data, first, last, H, I, packed, add: false); break;
                        default: AddWeightGradient<TVector>(dOutputs, h, gradients.W2[e].Data, first, last, I, H, packed, add: false); break;
                    }
                }
            });
        }

        /// <summary>Packs w1, w3 and w2 of each expert that has rows, for x Wᵀ or for dy W.</summary>
        private float* Pack<TVector>(bool transposed, out int into, out int outOf)
            where TVector : struct, ISimd<TVector>
        {
            into = transposed ? Gemm.PackedLength<TVector>(H, I) : Gemm.PackedLength<TVector>(I, H);
            outOf = transposed ? Gemm.PackedLength<TVector>(I, H) : Gemm.PackedLength<TVector>(H, I);
            var (intoLength, outOfLength) = (into, outOf);
            var packed = owner.Buffer(Scratch.Packed, (long)routes.Experts * ((2 * into) + outOf));
            owner.For(3 * routes.Experts, 1, (start, end, _) =>
            {
                for (var item = start; item < end; item++)
                {
                    var (e, which) = Math.DivRem(item, 3);
                    if (routes.Offsets[e] == routes.Offsets[e + 1])
                    {
                        continue;
                    }

                    var panels = Panels(packed, e, intoLength, outOfLength);
                    var source = (which == 0 ? matrices.W1 : which == 1 ? matrices.W3 : matrices.W2)[e].Data;
                    PackOne<TVector>(source, which == 2 ? H : I, which == 2 ? I : H, transposed, which == 0 ? panels.W1 : which == 1 ? panels.W3 : panels.W2);
                }
            });
            return packed;
        }

        private void PackOne<TVector>(float* matrix, int outputs, int inputs, bool transposed, float* packed)
            where TVector : struct, ISimd<TVector>
        {
            var (K, N) = transposed ? (inputs, outputs) : (outputs, inputs);
            var (strideK, strideN) = transposed ? (1, inputs) : (inputs, 1);
            for (var panel = 0; panel * Gemm.Width<TVector>() < N; panel++)
            {
                Gemm.Pack<TVector>(matrix, strideK, strideN, K, N, panel, packed, roundToBf16);
            }
        }

        private static ExpertPanels Panels(float* packed, int expert, int into, int outOf)
        {
            var start = packed + ((nint)expert * ((2 * into) + outOf));
            return new ExpertPanels(start, start + into, start + (2 * into));
        }

        /// <summary>Copies the rows of the tokens of [first, first + count).</summary>
        private void Gather(float* source, int first, int count, float* destination)
        {
            for (var row = 0; row < count; row++)
            {
                var token = routes.PairOfRow[first + row] / routes.PerToken;
                new ReadOnlySpan<float>(source + ((nint)token * H), H).CopyTo(new Span<float>(destination + ((nint)row * H), H));
            }
        }

        /// <summary>y_n = Σ_k scale_nk · row of (n, k); without scales a plain sum.</summary>
        private void SumPairs<TVector>(float* rows, float* scales, float* y)
            where TVector : struct, ISimd<TVector>
        {
            var K = routes.PerToken;
            owner.For(routes.Rows / K, NormGrain, (start, end, _) =>
            {
                for (var token = start; token < end; token++)
                {
                    var target = y + ((nint)token * H);
                    new Span<float>(target, H).Clear();
                    for (var pair = token * K; pair < (token + 1) * K; pair++)
                    {
                        GradientRows.AddScaled<TVector>(rows + ((nint)routes.RowOfPair[pair] * H), scales == null ? 1 : scales[pair], target, H);
                    }
                }
            });
        }

        private readonly struct ExpertPanels(float* w1, float* w3, float* w2)
        {
            public float* W1 => w1;

            public float* W2 => w2;

            public float* W3 => w3;
        }
    }
}
