namespace MiniMaxSharp.Kernels;

/// <content>
/// The head and the log-softmax in one: log p(target | h) = z_target − log Σ e^z with z = h Wᵀ, in f32.
/// The logits [T, V] never exist as a whole; the gradient computes them again.
/// </content>
public sealed unsafe partial class GradientKernels
{
    // Floats of one block of logits, per thread.
    private const int BlockLogits = 1 << 20;

    /// <summary>Log-probability [T] of the targets. A negative target gives 0 and no gradient. <paramref name="logSum"/> [T] is kept for the gradient.</summary>
    public void TokenLogprobs(
        ReadOnlySpan<float> h, ReadOnlySpan<float> head, ReadOnlySpan<int> targets, Span<float> logprobs, Span<float> logSum, int hidden, bool roundToBf16)
    {
        var vocabulary = CheckLogprobs(h.Length, head.Length, targets, Math.Min(logprobs.Length, logSum.Length), hidden);
        fixed (float* ph = h, pw = head, pl = logprobs, ps = logSum)
        {
            fixed (int* pt = targets)
            {
                var run = new HeadRun(this, ph, pw, pt, targets.Length, hidden, vocabulary, roundToBf16, ps);
                switch (Isa.Path)
                {
                    case IsaPath.V512: run.Forward<F32x16>(pl); break;
                    case IsaPath.V256: run.Forward<F32x8>(pl); break;
                    default: run.Forward<F32x1>(pl); break;
                }
            }
        }
    }

    /// <summary>Gradient of <see cref="TokenLogprobs"/> for h and the head.</summary>
    public void TokenLogprobsGradient(
        ReadOnlySpan<float> dlogprobs, ReadOnlySpan<float> h, ReadOnlySpan<float> head, ReadOnlySpan<int> targets, ReadOnlySpan<float> logSum,
        Span<float> dh, Span<float> dhead, int hidden, bool roundToBf16)
    {
        var vocabulary = CheckLogprobs(Math.Min(h.Length, dh.Length), Math.Min(head.Length, dhead.Length), targets, Math.Min(dlogprobs.Length, logSum.Length), hidden);
        fixed (float* pd = dlogprobs, ph = h, pw = head, ps = logSum, pdh = dh, pdw = dhead)
        {
            fixed (int* pt = targets)
            {
                var run = new HeadRun(this, ph, pw, pt, targets.Length, hidden, vocabulary, roundToBf16, ps);
                switch (Isa.Path)
                {
                    case IsaPath.V512: run.Backward<F32x16>(pd, pdh, pdw); break;
                    case IsaPath.V256: run.Backward<F32x8>(pd, pdh, pdw); break;
                    default: run.Backward<F32x1>(pd, pdh, pdw); break;
                }
            }
        }
    }

    private static int CheckLogprobs(int h, int head, ReadOnlySpan<int> targets, int results, int hidden)
    {
        var vocabulary = head / hidden;
        CheckLength(h, (long)targets.Length * hidden);
        CheckLength(results, targets.Length);
        foreach (var target in targets)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(target, vocabulary, nameof(targets));
        }

        return vocabulary;
    }

    private sealed class HeadRun(
        GradientKernels owner, float* h, float* head, int* targets, int tokens, int H, int V, bool roundToBf16, float* logSum)
    {
        private readonly int block = Math.Clamp(BlockLogits / V / Gemm.TileRows, 2, 16) * Gemm.TileRows;

        public void Forward<TVector>(float* logprobs)
            where TVector : struct, ISimd<TVector>
        {
            var packed = owner.PackAll<TVector>(Scratch.Packed, head, 1, H, H, V, roundToBf16);
            owner.For((tokens + block - 1) / block, 1, (start, end, worker) =>
            {
                var logits = owner.pool.Scratch(worker, block * V);
                for (var first = start * block; first < Math.Min(end * block, tokens); first += block)
                {
                    var count = Math.Min(block, tokens - first);
                    Gemm.Multiply<TVector>(h + ((nint)first * H), H, 1, packed, logits, V, count, V, H, add: false);
                    for (var i = 0; i < count; i++)
                    {
                        var row = logits + ((nint)i * V);
                        var target = targets[first + i];
                        var logit = target < 0 ? 0 : row[target];
                        var max = VectorMath.Max<TVector>(row, V);
                        logSum[first + i] = max + MathF.Log(GradientRows.ExpSum<TVector>(row, max, V));
                        logprobs[first + i] = target < 0 ? 0 : logit - logSum[first + i];
                    }
                }
            });
        }

        public void Backward<TVector>(float* dlogprobs, float* dh, float* dhead)
            where TVector : struct, ISimd<TVector>
        {
            var packed = owner.PackAll<TVector>(Scratch.Packed, head, 1, H, H, V, roundToBf16);
            var packedRows = owner.PackAll<TVector>(Scratch.PackedToo, head, H, 1, V, H, roundToBf16);
            var parts = owner.Buffer(Scratch.Parts, (long)owner.Threads * V * H);
            var scratchLength = checked((block * V) + Gemm.PackedLength<TVector>(BlockTokens, H));
            var scratch = owner.Buffer(Scratch.Rows, (long)owner.Threads * scratchLength);
            owner.ForParts(tokens, (part, start, end) =>
            {
                var logits = scratch + ((nint)part * scratchLength);
                var sums = parts + ((nint)part * V * H);
                new Span<float>(sums, V * H).Clear();
                for (var first = start; first < end; first += block)
                {
                    var count = Math.Min(block, end - first);
                    Gemm.Multiply<TVector>(h + ((nint)first * H), H, 1, packed, logits, V, count, V, H, add: false);
                    for (var i = 0; i < count; i++)
                    {
                        LogitGradient<TVector>(logits + ((nint)i * V), first + i, dlogprobs[first + i]);
                    }

                    Gemm.Multiply<TVector>(logits, V, 1, packedRows, dh + ((nint)first * H), H, count, H, V, add: false);
                    AddWeightGradient<TVector>(logits, h + ((nint)first * H), sums, 0, count, H, V, logits + ((nint)block * V), add: true);
                }
            });
            owner.ForParts(V * H, (_, start, end) =>
            {
                for (var i = start; i < end; i++)
                {
                    var sum = parts[i];
                    for (var part = 1; part < owner.Threads; part++)
                    {
                        sum += parts[((nint)part * V * H) + i];
                    }

                    dhead[i] = sum;
                }
            });
        }

        /// <summary>Logits become their gradient: d · (1 at the target − softmax).</summary>
        private void LogitGradient<TVector>(float* row, int token, float d)
            where TVector : struct, ISimd<TVector>
        {
            if (targets[token] < 0)
            {
                new Span<float>(row, V).Clear();
                return;
            }

            GradientRows.ExpSum<TVector>(row, logSum[token], V);
            GradientRows.Sum<TVector>(row, -d, null, 0, row, V);
            row[targets[token]] += d;
        }
    }
}
