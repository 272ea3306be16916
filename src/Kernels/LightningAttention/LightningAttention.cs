namespace MiniMaxSharp.Kernels;

/// <summary>
/// Lightning attention (specification section 3; report section 2.1): S_t = e^(−s) S_{t−1} + k_tᵀ v_t, o_t = q_t S_t.
/// Legend: T tokens of the step, A heads, D head width, Dp = D rounded up to 16, s decay rate of a head.
/// </summary>
public static unsafe partial class LightningAttention
{
    /// <summary>Tokens of one prefill block. Blocks are counted from position 0 of the sequence, never from the start of a call.</summary>
    public const int BlockTokens = 256;

    /// <summary>Floats of one sequence's state in one layer: [A, D, Dp].</summary>
    public static int StateLength(int heads, int headDim) => checked(heads * headDim * TileMatMul.Pad(headDim));

    /// <summary>
    /// Advances each slice's state and writes its output. One new token of a grid block runs the recurrence, several run the block form.
    /// </summary>
    /// <param name="slices">Sequences of this step.</param>
    /// <param name="qkv">[T, A, 3, D] after SiLU, interleaved per head as q, k, v.</param>
    /// <param name="slopes_A">Decay rate s of each head of this layer.</param>
    /// <param name="headDim">D.</param>
    /// <param name="output">[T, A, D].</param>
    /// <param name="pool">Threads; the work is split by sequence and head.</param>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    public static void Forward(
        ReadOnlySpan<LightningSlice> slices, AlignedBuffer<float> qkv, ReadOnlySpan<float> slopes_A, int headDim, AlignedBuffer<float> output, ComputePool pool)
    {
        var heads = slopes_A.Length;
        foreach (ref readonly var slice in slices)
        {
            var rows = (long)slice.Row + slice.Tokens;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rows * heads * headDim * 3, qkv.Length, nameof(qkv));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rows * heads * headDim, output.Length, nameof(output));
            ArgumentOutOfRangeException.ThrowIfLessThan(slice.StateLength, StateLength(heads, headDim), nameof(slices));
        }

        var losses = stackalloc float[heads]; // What a state loses in one token, 1 − e^(−s).
        for (var head = 0; head < heads; head++)
        {
            losses[head] = -(float)ExpM1(-(double)slopes_A[head]);
        }

        fixed (LightningSlice* first = slices)
        fixed (float* slopes = slopes_A)
        {
            var work = new Work(first, qkv.Pointer, slopes, losses, heads, headDim, output.Pointer, pool);
            pool.For(slices.Length * heads, grain: 1, ref work);
        }
    }

    /// <summary>e^x − 1 without cancellation for small |x|: three terms of the series suffice below 1e-4.</summary>
    private static double ExpM1(double x) => Math.Abs(x) < 1e-4 ? x * (1 + (x / 2 * (1 + (x / 3)))) : Math.Exp(x) - 1;

    /// <summary>Item i is head i % A of slice i / A.</summary>
    private readonly partial struct Work(
        LightningSlice* slices, float* qkv, float* slopes, float* losses, int heads, int headDim, float* output, ComputePool pool) : IParallelWork
    {
        private readonly int padded = TileMatMul.Pad(headDim);

        public void Execute(int start, int end, int worker)
        {
            for (var item = start; item < end; item++)
            {
                ref readonly var slice = ref slices[item / heads];
                switch (Isa.Path)
                {
                    case IsaPath.V512: Head<F32x16>(slice, item % heads, worker); break;
                    case IsaPath.V256: Head<F32x8>(slice, item % heads, worker); break;
                    default: Head<F32x1>(slice, item % heads, worker); break;
                }
            }
        }

        private void Head<TVector>(in LightningSlice slice, int head, int worker)
            where TVector : struct, ISimd<TVector>
        {
            var state = slice.State + ((nint)head * headDim * padded);
            for (var done = 0; done < slice.Tokens;)
            {
                var toGridLine = BlockTokens - ((slice.Position + done) % BlockTokens);
                var tokens = Math.Min(toGridLine, slice.Tokens - done);
                if (tokens == 1)
                {
                    Decode<TVector>(slice.Row + done, head, state, worker); // Also the last token of a longer slice: a prompt gives the same bits however it is cut on the grid.
                }
                else
                {
                    Block<TVector>(slice.Row + done, tokens, head, state, worker);
                }

                done += tokens;
            }
        }

        private float* Query(int row, int head) => qkv + (((nint)row * heads) + head) * 3 * headDim;

        private float* Output(int row, int head) => output + (((nint)row * heads) + head) * headDim;
    }
}
