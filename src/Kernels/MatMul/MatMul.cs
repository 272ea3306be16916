namespace MiniMaxSharp.Kernels;

/// <summary>
/// Products with weights: y[T, N] = x[T, K] · W[N, K]ᵀ, f32 accumulation. Activations are f32, or int8 in blocks of 32 where
/// the weights are quantised (<see cref="Weight.Pack"/>).
/// Legend: T tokens, K input features, N output features.
/// </summary>
/// <remarks>
/// Every output is the sum, over blocks of <see cref="BlockK"/> features, of one vector accumulator reduced in a fixed tree.
/// That order depends neither on T nor on the thread, so a token gets the same bits alone and in any batch.
/// </remarks>
public static unsafe partial class MatMul
{
    private const int BlockK = 512;
    private const int BlockN = 32;
    private const int MaxGrain = 4; // Neighbours, so that the panels that were prefetched are this thread's.

    /// <summary>Runs one product.</summary>
    public static void Multiply(MatMulJob job, ComputePool pool) => Multiply(new ReadOnlySpan<MatMulJob>(in job), pool);

    /// <summary>Runs several products in one parallel region.</summary>
    public static void Multiply(ReadOnlySpan<MatMulJob> jobs, ComputePool pool)
    {
        var blocks = 0;
        foreach (ref readonly var job in jobs)
        {
            blocks += job.Tokens == 0 ? 0 : (job.Weight.Rows + BlockN - 1) / BlockN;
        }

        pool.Inputs.Prepare(jobs, pool);

        fixed (MatMulJob* first = jobs)
        {
            var work = new BlockWork(first, jobs.Length, pool);
            pool.For(blocks, grain: Math.Clamp(blocks / (8 * pool.Threads), 1, MaxGrain), ref work);
        }
    }

    /// <summary>Item i is the i-th block of <see cref="BlockN"/> output features, counted over all jobs.</summary>
    private readonly struct BlockWork(MatMulJob* jobs, int count, ComputePool pool) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            var item = 0;
            for (var i = 0; i < count && item < end; i++)
            {
                ref readonly var job = ref jobs[i];
                var blocks = job.Tokens == 0 ? 0 : (job.Weight.Rows + BlockN - 1) / BlockN;
                for (var block = Math.Max(0, start - item); block < blocks && item + block < end; block++)
                {
                    if (job.Weight.IsPacked)
                    {
                        MultiplyPanels(i, block * BlockN);
                    }
                    else if (BFloat16Kernels.For(job.Weight) is { } rounded)
                    {
                        rounded.Multiply(job, pool.Inputs.Of(i), block * BlockN, Math.Min(BlockN, job.Weight.Rows - (block * BlockN)));
                    }
                    else
                    {
                        Dispatch(job, block * BlockN, worker);
                    }
                }

                item += blocks;
            }
        }

        private void MultiplyPanels(int index, int n0)
        {
            ref readonly var asked = ref jobs[index];
            var job = asked.FineInputs ? asked.OfTerms(pool.Inputs.TermsOf(index)) : asked;
            if (PanelKernels.For(job.Weight.DType) is { } emitted)
            {
                var panels = (job.Weight.Rows + PanelLayout.Rows - 1) / PanelLayout.Rows;
                var first = n0 / PanelLayout.Rows;
                var next = first + (BlockN / PanelLayout.Rows);
                var ahead = next < panels ? job.Weight.Data + (next * PanelLayout.PanelBytes(job.Weight.DType, job.Weight.Columns)) : AfterJob(index);
                emitted.Multiply(job, pool.Inputs.Of(index), first, Math.Min(next, panels) - first, ahead);
            }
            else
            {
                for (var n = n0; n < Math.Min(n0 + BlockN, job.Weight.Rows); n += PanelLayout.Rows)
                {
                    PanelMatMul.Multiply(job, pool.Inputs.Of(index), n / PanelLayout.Rows);
                }
            }

            if (asked.FineInputs)
            {
                AddTerms(asked, job.Y, n0);
            }
        }

        /// <summary>y[t] = terms[2t] + terms[2t + 1] for this block of outputs.</summary>
        private static void AddTerms(in MatMulJob job, float* terms, int n0)
        {
            var N = job.Weight.Rows;
            for (var t = 0; t < job.Tokens; t++, terms += 2 * N)
            {
                var y = job.Y + ((long)t * N);
                for (var n = n0; n < Math.Min(n0 + BlockN, N); n++)
                {
                    y[n] = terms[n] + terms[N + n];
                }
            }
        }

        /// <summary>The panels of the next job that has work, or null.</summary>
        private byte* AfterJob(int index)
        {
            for (var i = index + 1; i < count; i++)
            {
                if (jobs[i].Tokens > 0)
                {
                    return jobs[i].Weight.Data;
                }
            }

            return null;
        }

        private void Dispatch(in MatMulJob job, int n0, int worker)
        {
            switch (Isa.Path)
            {
                case IsaPath.V512: Dispatch<F32x16>(job, n0, worker); break;
                case IsaPath.V256: Dispatch<F32x8>(job, n0, worker); break;
                default: Dispatch<F32x1>(job, n0, worker); break;
            }
        }

        private void Dispatch<TVector>(in MatMulJob job, int n0, int worker)
            where TVector : struct, ISimd<TVector>
        {
            switch (job.Weight.DType)
            {
                case DType.F32: MultiplyBlock<TVector, F32Format>(job, n0, pool, worker); break;
                case DType.BF16: MultiplyBlock<TVector, Bf16Format>(job, n0, pool, worker); break;
                default: MultiplyBlock<TVector, F16Format>(job, n0, pool, worker); break;
            }
        }
    }
}
