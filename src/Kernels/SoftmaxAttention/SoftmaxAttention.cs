namespace MiniMaxSharp.Kernels;

/// <summary>
/// Causal softmax attention with grouped queries over paged keys and values (specification section 4):
/// o_t = Σ_{j ≤ t} softmax(q_t · k_j / sqrt(D)) v_j. Scores are never materialised beyond one page: running maximum and sum.
/// Keys are taken in ranges of 1,024 whose partial results are merged in order, whoever computed them: so a single token can use all threads,
/// and no bit depends on the number of threads, the batch or the chunk.
/// Legend: T tokens of the step, A query heads, KV heads, G = A / KV, D head width, Dv = D rounded up to 32.
/// </summary>
public static unsafe partial class SoftmaxAttention
{
    internal const int TileTokens = 16;
    internal const int RangeTokens = 4 * KeyValuePages.PageTokens;

    /// <summary>Computes the outputs of all slices.</summary>
    /// <param name="slices">Sequences of this step; their new keys and values are appended already.</param>
    /// <param name="queries">[T, A, D], rotated.</param>
    /// <param name="heads">A.</param>
    /// <param name="keyValueHeads">KV.</param>
    /// <param name="headDim">D.</param>
    /// <param name="output">[T, A, D].</param>
    /// <param name="pool">Threads; the work is split by sequence, key/value head, and 16 tokens or, for a single token, 1,024 keys.</param>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    public static void Forward(
        ReadOnlySpan<AttentionSlice> slices, AlignedBuffer<float> queries, int heads, int keyValueHeads, int headDim, AlignedBuffer<float> output, ComputePool pool)
    {
        var (items, splitItems) = (0, 0);
        foreach (ref readonly var slice in slices)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(
                ((long)slice.Row + slice.Tokens) * heads * headDim, Math.Min(queries.Length, output.Length), nameof(queries));
            items += slice.ItemsPerHead * keyValueHeads;
            splitItems = slice.Tokens == 1 && slice.Ranges > 1 ? items : splitItems;
        }

        var partialLength = PartialLength(heads / keyValueHeads, headDim);
        var shared = splitItems == 0 ? null : pool.SharedScratch(checked((splitItems * partialLength) + (slices.Length * keyValueHeads)));
        var counters = (int*)(shared + (splitItems * partialLength));
        if (splitItems > 0)
        {
            new Span<int>(counters, slices.Length * keyValueHeads).Clear();
        }

        fixed (AttentionSlice* first = slices)
        {
            var work = new Work(first, queries.Pointer, heads, keyValueHeads, headDim, output.Pointer, pool, shared, counters);
            pool.For(items, grain: 1, ref work);
        }
    }

    /// <summary>Floats of a partial result of <paramref name="rows"/> rows: o [rows, Dv], maximum [rows], sum [rows].</summary>
    private static int PartialLength(int rows, int headDim) => rows * (KeyValuePages.PadToPanel(headDim) + 2);

    private readonly partial struct Work(
        AttentionSlice* slices, float* queries, int heads, int keyValueHeads, int headDim, float* output, ComputePool pool, float* shared, int* counters)
        : IParallelWork
    {
        private readonly int group = heads / keyValueHeads;
        private readonly int padded = KeyValuePages.PadToPanel(headDim);

        public void Execute(int start, int end, int worker)
        {
            for (var item = start; item < end; item++)
            {
                switch (Isa.Path)
                {
                    case IsaPath.V512: Item<F32x16>(item, worker); break;
                    case IsaPath.V256: Item<F32x8>(item, worker); break;
                    default: Item<F32x1>(item, worker); break;
                }
            }
        }

        private void Item<TVector>(int item, int worker)
            where TVector : struct, ISimd<TVector>
        {
            var (slice, index) = (0, item);
            for (; index >= slices[slice].ItemsPerHead * keyValueHeads; slice++)
            {
                index -= slices[slice].ItemsPerHead * keyValueHeads;
            }

            switch (slices[slice].Type)
            {
                case KeyValueType.F16: Item<TVector, F16KeyValues>(slice, index, item, worker); break;
                case KeyValueType.BF16: Item<TVector, Bf16KeyValues>(slice, index, item, worker); break;
                case KeyValueType.Q8: Item<TVector, Q8KeyValues>(slice, index, item, worker); break;
                default: Item<TVector, F32KeyValues>(slice, index, item, worker); break;
            }
        }

        private void Item<TVector, TFormat>(int slice, int index, int item, int worker)
            where TVector : struct, ISimd<TVector>
            where TFormat : struct, IKeyValueFormat
        {
            var (head, part) = (index / slices[slice].ItemsPerHead, index % slices[slice].ItemsPerHead);
            if (slices[slice].Tokens > 1 || slices[slice].Ranges == 1)
            {
                Tile<TVector, TFormat>(slices[slice], part * TileTokens, head, worker);
                return;
            }

            var length = PartialLength(group, headDim);
            var tile = new AttentionTile<TVector, TFormat>(slices[slice], 0, 1, head, group, headDim, Scratch(worker, group, partials: 0));
            tile.LoadQueries(queries, heads);
            tile.Range(part, shared + ((nint)item * length));
            if (Interlocked.Increment(ref counters[(slice * keyValueHeads) + head]) == slices[slice].Ranges)
            {
                var first = shared + ((nint)(item - part) * length);
                for (var range = 1; range < slices[slice].Ranges; range++)
                {
                    tile.Merge(first, first + ((nint)range * length));
                }

                tile.StoreOutput(first, output, heads);
            }
        }

        /// <summary>All ranges of up to 16 tokens, one after another.</summary>
        private void Tile<TVector, TFormat>(in AttentionSlice slice, int firstToken, int head, int worker)
            where TVector : struct, ISimd<TVector>
            where TFormat : struct, IKeyValueFormat
        {
            var tokens = Math.Min(TileTokens, slice.Tokens - firstToken);
            var length = PartialLength(tokens * group, headDim);
            var total = Scratch(worker, tokens * group, partials: 2);
            var tile = new AttentionTile<TVector, TFormat>(slice, firstToken, tokens, head, group, headDim, total + (2 * length));
            tile.LoadQueries(queries, heads);
            tile.Range(0, total);
            for (var range = 1; range < tile.Ranges; range++)
            {
                tile.Range(range, total + length);
                tile.Merge(total, total + length);
            }

            tile.StoreOutput(total, output, heads);
        }

        private float* Scratch(int worker, int rows, int partials) =>
            pool.Scratch(worker, AttentionTile<F32x1, F32KeyValues>.ScratchLength(rows, headDim) + (partials * PartialLength(rows, headDim)));
    }
}
