namespace MiniMaxSharp.Kernels;

/// <summary>
/// Emitted tiles of <see cref="PanelMatMul"/>: 1 … 6 tokens by 1 or 2 panels, with 512-bit vpdpbusd. Int32 sums and f32 sums of a tile stay in registers.
/// Same order of operations, so the same bits. Legend: T tokens of a tile, P panels.
/// </summary>
internal sealed unsafe class PanelKernels
{
    private const int MaxTokens = 6;
    private const int MaxPanels = 2;
    private const int PrefetchDistance = 12288;
    private const int Shares = 3; // A tile prefetches all of the next panels, a half, or a quarter.
    private const int Singles = 12; // Int32 sums in registers 0 … 11, f32 sums in 12 … 23.
    private const int W = 24;
    private const int High = 26;
    private const int X = 28;
    private const int Mask = 29;
    private const int Product = 30;
    private const int None = 31;

    private readonly DType type;
    private readonly nint[] entries = new nint[MaxTokens * MaxPanels * Shares];

    private PanelKernels(DType type, byte* code, int[] offsets)
    {
        this.type = type;
        for (var i = 0; i < offsets.Length; i++)
        {
            entries[i] = (nint)(code + offsets[i]);
        }
    }

    /// <summary>The kernels for <paramref name="type"/>, or null where the other path must be taken.</summary>
    public static PanelKernels? For(DType type) => Isa.Path != IsaPath.V512 ? null : type switch
    {
        DType.Q8_0 => Q8_0.Kernels,
        DType.Q4_0 => Q4_0.Kernels,
        _ => null,
    };

    /// <summary>
    /// y[t, 16 panel … 16 (panel + count)) of all tokens of one job. Few tokens wait for memory, so they take one panel at a time and prefetch in the
    /// order of the bytes. Many tokens wait for the arithmetic; they take two panels, and their tiles share the prefetch of those at <paramref name="next"/>.
    /// </summary>
    public void Multiply(in MatMulJob job, byte* tokens, int panel, int count, byte* next)
    {
        if (job.Tokens > MaxTokens)
        {
            Multiply(job, tokens, panel, count, next, share: job.Tokens <= 3 * MaxTokens ? 1 : 2);
            return;
        }

        for (var p = panel; p < panel + count; p++)
        {
            Multiply(job, tokens, p, 1, job.Weight.Data + (p * PanelLayout.PanelBytes(type, job.Weight.Columns)) + PrefetchDistance, share: 0);
        }
    }

    private void Multiply(in MatMulJob job, byte* tokens, int panel, int count, byte* next, int share)
    {
        var (N, K) = (job.Weight.Rows, QuantizedInputs.Pad(job.Weight.Columns));
        var n0 = panel * PanelLayout.Rows;
        var width = Math.Min(count * PanelLayout.Rows, N - n0);
        var direct = width == count * PanelLayout.Rows;
        var edge = stackalloc float[MaxTokens * MaxPanels * PanelLayout.Rows];
        var tile = FirstTile(job, panel, direct ? N : count * PanelLayout.Rows);
        var kernels = ((share * MaxPanels) + count - 1) * MaxTokens;
        var shareBytes = PrefetchLines(type, count, share) * (64L * tile.SuperBlocks);
        for (int t = 0, i = 0; t < job.Tokens; i++)
        {
            var T = TileTokens(job.Tokens - t);
            var y = job.Y + ((long)t * N) + n0;
            tile.X = tokens + (t * tile.StrideX);
            tile.Scales = tile.X + K;
            tile.Sums = tile.Scales + (K / 32 * sizeof(float));
            tile.Y = direct ? y : edge;
            tile.Prefetch = next + (i % (1 << share) * shareBytes);
            ((delegate* unmanaged[SuppressGCTransition]<PanelTile*, void>)entries[kernels + T - 1])(&tile);
            for (var row = 0; row < T && !direct; row++)
            {
                new ReadOnlySpan<float>(edge + (row * count * PanelLayout.Rows), width).CopyTo(new Span<float>(y + ((long)row * N), width));
            }

            t += T;
        }
    }

    private PanelTile FirstTile(in MatMulJob job, int panel, int strideY)
    {
        var panelBytes = PanelLayout.PanelBytes(type, job.Weight.Columns);
        return new PanelTile
        {
            Weights = job.Weight.Data + (panel * panelBytes),
            NextPanel = panelBytes,
            StrideX = QuantizedInputs.TokenBytes(job.Weight.Columns),
            SuperBlocks = QuantizedInputs.Pad(job.Weight.Columns) / 64,
            StrideY = strideY * (long)sizeof(float),
            Nibbles = 0x0F0F0F0F,
        };
    }

    /// <summary>Six at a time; 7 … 11 are halved, since a tile of one token waits for its own sums.</summary>
    private static int TileTokens(int left) => left is > MaxTokens and < 2 * MaxTokens ? (left + 1) / 2 : Math.Min(left, MaxTokens);

    private static PanelKernels? Emit(DType type)
    {
        if (!EmittedCode.HasDotBytes)
        {
            return null;
        }

        var assembler = new Assembler();
        var offsets = new int[MaxTokens * MaxPanels * Shares];
        for (var i = 0; i < offsets.Length; i++)
        {
            assembler.Align(64);
            offsets[i] = assembler.Position;
            EmitTile(assembler, type, T: (i % MaxTokens) + 1, P: (i / MaxTokens % MaxPanels) + 1, share: i / (MaxTokens * MaxPanels));
        }

        var code = ExecutableMemory.Place(assembler.ToArray());
        return code == null ? null : new PanelKernels(type, code, offsets);
    }

    private static void EmitTile(Assembler a, DType type, int T, int P, int share)
    {
        EmittedCode.Enter(a);
        a.Load(Gpr.Rcx, new Address(Gpr.Rax, PanelTile.WeightsAt));
        a.Load(Gpr.Rdx, new Address(Gpr.Rax, PanelTile.NextPanelAt));
        a.Load(Gpr.R8, new Address(Gpr.Rax, PanelTile.XAt));
        a.Load(Gpr.R10, new Address(Gpr.Rax, PanelTile.ScalesAt));
        a.Load(Gpr.Rbx, new Address(Gpr.Rax, PanelTile.SumsAt));
        a.Load(Gpr.R13, new Address(Gpr.Rax, PanelTile.StrideXAt));
        a.Load(Gpr.R14, new Address(Gpr.Rax, PanelTile.SuperBlocksAt));
        a.Load(Gpr.R15, new Address(Gpr.Rax, PanelTile.PrefetchAt));
        foreach (var (first, fourth) in new[] { (Gpr.R8, Gpr.R9), (Gpr.R10, Gpr.R11), (Gpr.Rbx, Gpr.R12) })
        {
            a.LoadAddress(fourth, new Address(first, 0, Gpr.R13, 2));
            a.LoadAddress(fourth, new Address(fourth, 0, Gpr.R13, 1));
        }

        a.Zero(None);
        for (var i = 0; i < T * P; i++)
        {
            a.Zero(Singles + i);
        }

        if (type == DType.Q4_0)
        {
            a.Broadcast(Mask, new Address(Gpr.Rax, PanelTile.NibblesAt));
        }

        a.Align(32);
        var top = a.Position;
        EmitSuperBlock(a, type, T, P, PrefetchLines(type, P, share));
        a.Loop(Gpr.R14, top);
        EmitStore(a, T, P);
        EmittedCode.Leave(a);
    }

    /// <summary>64 features: two blocks, each with its own scales.</summary>
    private static void EmitSuperBlock(Assembler a, DType type, int T, int P, int prefetchLines)
    {
        for (var half = 0; half < 2; half++)
        {
            for (var t = 0; t < T; t++)
            {
                a.Broadcast(t * P, Token(Gpr.Rbx, Gpr.R12, t) + (4 * half));
                a.ShiftLeftInt32(t * P, t * P, type == DType.Q8_0 ? 7 : 3);
                a.SubtractInt32(t * P, None, t * P);
                if (P == 2)
                {
                    a.Move((t * P) + 1, t * P);
                }
            }

            for (var group = 0; group < 8; group++)
            {
                var step = (8 * half) + group;
                for (var line = step * prefetchLines / 16; line < (step + 1) * prefetchLines / 16; line++)
                {
                    a.Prefetch(new Address(Gpr.R15, 64 * line));
                }

                EmitWeights(a, type, group, Line(type, half, group), P);
                EmitDots(a, T, P, (32 * half) + (4 * group), type == DType.Q4_0 && group % 2 == 1 ? High : W);
            }

            EmitScaling(a, half, T, P);
        }

        a.Add(Gpr.Rcx, PanelLayout.SuperBlockBytes(type));
        a.Add(Gpr.R15, 64 * prefetchLines);
        a.Add(Gpr.R8, 64);
        a.Add(Gpr.R9, 64);
        foreach (var pointer in new[] { Gpr.R10, Gpr.R11, Gpr.Rbx, Gpr.R12 })
        {
            a.Add(pointer, 2 * sizeof(float));
        }
    }

    /// <summary>16 rows by 4 features of each panel; Q4_0 unpacks two groups at once.</summary>
    private static void EmitWeights(Assembler a, DType type, int group, int line, int P)
    {
        if (type == DType.Q4_0 && group % 2 == 1)
        {
            return;
        }

        for (var p = 0; p < P; p++)
        {
            a.Load(W + p, Panel(p) + line);
            if (type == DType.Q4_0)
            {
                a.ShiftRightInt16(High + p, W + p, 4);
                a.And(High + p, High + p, Mask);
                a.And(W + p, W + p, Mask);
            }
        }
    }

    private static void EmitDots(Assembler a, int T, int P, int offset, int weights)
    {
        for (var t = 0; t < T; t++)
        {
            var x = t % 2 == 0 ? X : Product;
            a.Broadcast(x, Token(Gpr.R8, Gpr.R9, t) + offset);
            for (var p = 0; p < P; p++)
            {
                a.DotBytes((t * P) + p, weights + p, x);
            }
        }
    }

    /// <summary>y = f32(sum) · (d_w d_x) + y.</summary>
    private static void EmitScaling(Assembler a, int half, int T, int P)
    {
        for (var p = 0; p < P; p++)
        {
            a.WidenHalf(W + p, Panel(p) + (32 * half));
        }

        for (var i = 0; i < T * P; i++)
        {
            var product = i % 2 == 0 ? X : Product;
            a.ToSingle(i, i);
            a.MultiplyBroadcast(product, W + (i % P), Token(Gpr.R10, Gpr.R11, i / P) + (4 * half));
            a.Fma(Singles + i, i, product);
        }
    }

    private static void EmitStore(Assembler a, int T, int P)
    {
        a.Load(Gpr.R8, new Address(Gpr.Rax, PanelTile.YAt));
        a.Load(Gpr.R13, new Address(Gpr.Rax, PanelTile.StrideYAt));
        a.LoadAddress(Gpr.R9, new Address(Gpr.R8, 0, Gpr.R13, 2));
        a.LoadAddress(Gpr.R9, new Address(Gpr.R9, 0, Gpr.R13, 1));
        for (var i = 0; i < T * P; i++)
        {
            a.Store(Token(Gpr.R8, Gpr.R9, i / P) + (64 * (i % P)), Singles + i);
        }
    }

    /// <summary>Lines that a tile prefetches for each of its super-blocks, so that 1, 2 or 4 tiles cover the next panels.</summary>
    private static int PrefetchLines(DType type, int P, int share) => ((P * PanelLayout.SuperBlockBytes(type) / 64) + (1 << share) - 1) >> share;

    /// <summary>Where the weights of a group start: a line a group in Q8_0, a line for two groups in Q4_0.</summary>
    private static int Line(DType type, int half, int group) => 64 + (64 * (type == DType.Q8_0 ? (8 * half) + group : (4 * half) + (group / 2)));

    private static Address Panel(int p) => new(Gpr.Rcx, 0, Gpr.Rdx, p);

    /// <summary>Tokens 0 … 2 are counted from the first, 3 … 5 from the fourth.</summary>
    private static Address Token(Gpr first, Gpr fourth, int t) => new(t < 3 ? first : fourth, 0, Gpr.R13, t % 3);

    // One class a type, so that only the kernels of a model are emitted.
    private static class Q8_0
    {
        public static readonly PanelKernels? Kernels = Emit(DType.Q8_0);
    }

    private static class Q4_0
    {
        public static readonly PanelKernels? Kernels = Emit(DType.Q4_0);
    }
}
