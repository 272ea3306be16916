using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Emitted tiles for BF16 weights and inputs rounded to bf16, with 512-bit vdpbf16ps. Lane i of an accumulator adds the products of features
/// 32 s + 2 i + 1 and 32 s + 2 i, in this order, for s = 0, 1, …; the lanes are added in the tree of <see cref="F32x16.Sum()"/>. So the bits do not
/// depend on the tile. The instruction takes denormal numbers as zero. Legend: T tokens of a tile, R rows.
/// </summary>
internal sealed unsafe partial class BFloat16Kernels
{
    /// <summary>K must be a multiple of this.</summary>
    public const int StepFeatures = 32;

    private const int MaxTokens = 6;
    private const int MaxAccumulators = 24; // In registers 0 … 23, the tokens in 24 … 29.
    private const int X = 24;
    private const int W = 30;

    private readonly byte* code;
    private readonly int[] offsets;

    private BFloat16Kernels(byte* code, int[] offsets)
    {
        this.code = code;
        this.offsets = offsets;
    }

    private static BFloat16Kernels? Instance { get; } = Emit();

    /// <summary>The kernels, where inputs are to be rounded (<see cref="Weight.RoundsInputs"/>), the weights fit and the CPU can do it; otherwise null.</summary>
    public static BFloat16Kernels? For(in Weight weight) =>
        weight.RoundsInputs && Isa.Path == IsaPath.V512 && weight.DType == DType.BF16 && weight.Columns % StepFeatures == 0 ? Instance : null;

    /// <summary>Bytes of one rounded token.</summary>
    public static long TokenBytes(int K) => ((K * 2L) + 63) / 64 * 64;

    /// <summary>y[t, n0 … n0 + rows) of all tokens of one job.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(in MatMulJob job, byte* tokens, int n0, int rows)
    {
        var sums = stackalloc float[MaxAccumulators * F32x16.Lanes];
        var tile = new BFloat16Tile
        {
            StrideW = job.Weight.Columns * 2L,
            StrideX = TokenBytes(job.Weight.Columns),
            Steps = job.Weight.Columns / StepFeatures,
            Sums = sums,
        };
        for (var t = 0; t < job.Tokens;)
        {
            var T = Math.Min(MaxTokens, job.Tokens - t);
            tile.X = tokens + (t * tile.StrideX);
            for (var n = 0; n < rows;)
            {
                var wide = rows - n >= Rows(T);
                var R = wide ? Rows(T) : 1;
                tile.Weights = job.Weight.Data + ((n0 + n) * tile.StrideW);
                ((delegate* unmanaged[SuppressGCTransition]<BFloat16Tile*, void>)(code + offsets[(wide ? MaxTokens : 0) + T - 1]))(&tile);
                for (var i = 0; i < T; i++)
                {
                    Reduce(sums + (i * R * F32x16.Lanes), R, job.Y + ((long)(t + i) * job.Weight.Rows) + n0 + n);
                }

                n += R;
            }

            t += T;
        }
    }

    /// <summary>Rows of a wide tile: as many as the registers hold.</summary>
    private static int Rows(int T) => T <= 3 ? 8 : 4;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Reduce(float* sums, int R, float* y)
    {
        if (R == 1)
        {
            *y = F32x16.Load(sums).Sum();
            return;
        }

        for (var r = 0; r < R; r += 4, sums += 4 * F32x16.Lanes)
        {
            var four = F32x16.Sum(F32x16.Load(sums), F32x16.Load(sums + 16), F32x16.Load(sums + 32), F32x16.Load(sums + 48));
            four.Store(y + r);
        }
    }

    private static BFloat16Kernels? Emit()
    {
        if (!EmittedCode.HasDotBFloat16)
        {
            return null;
        }

        var assembler = new Assembler();
        var offsets = new int[2 * MaxTokens];
        for (var i = 0; i < offsets.Length; i++)
        {
            assembler.Align(64);
            offsets[i] = assembler.Position;
            var T = (i % MaxTokens) + 1;
            EmitTile(assembler, T, i < MaxTokens ? 1 : Rows(T));
        }

        var code = ExecutableMemory.Place(assembler.ToArray());
        return code == null ? null : new BFloat16Kernels(code, offsets);
    }

    private static void EmitTile(Assembler a, int T, int R)
    {
        EmittedCode.Enter(a);
        a.Load(Gpr.Rcx, new Address(Gpr.Rax, BFloat16Tile.WeightsAt));
        a.Load(Gpr.R11, new Address(Gpr.Rax, BFloat16Tile.StrideWAt));
        a.Load(Gpr.R8, new Address(Gpr.Rax, BFloat16Tile.XAt));
        a.Load(Gpr.R13, new Address(Gpr.Rax, BFloat16Tile.StrideXAt));
        a.Load(Gpr.R14, new Address(Gpr.Rax, BFloat16Tile.StepsAt));
        a.Load(Gpr.Rax, new Address(Gpr.Rax, BFloat16Tile.SumsAt));
        EmittedCode.EmitThird(a, Gpr.Rdx, Gpr.Rcx, Gpr.R11);
        EmittedCode.EmitThird(a, Gpr.R10, Gpr.Rdx, Gpr.R11);
        EmittedCode.EmitThird(a, Gpr.R9, Gpr.R8, Gpr.R13);
        a.LoadAddress(Gpr.Rbx, new Address(Gpr.Rcx, 0, Gpr.R11, R)); // The rows of the next tile lie behind these.
        for (var i = 0; i < T * R; i++)
        {
            a.Zero(i);
        }

        a.Align(32);
        var top = a.Position;
        for (var t = 0; t < T; t++)
        {
            a.Load(X + t, new Address(t < 3 ? Gpr.R8 : Gpr.R9, 0, Gpr.R13, t % 3));
        }

        for (var r = 0; r < R; r++)
        {
            a.Prefetch(new Address(Gpr.Rbx, 64 * r));
            a.Load(W + (r % 2), new Address((r / 3) switch { 0 => Gpr.Rcx, 1 => Gpr.Rdx, _ => Gpr.R10 }, 0, Gpr.R11, r % 3));
            for (var t = 0; t < T; t++)
            {
                a.DotBFloat16((t * R) + r, W + (r % 2), X + t);
            }
        }

        foreach (var pointer in new[] { Gpr.Rcx, Gpr.Rdx, Gpr.R10, Gpr.R8, Gpr.R9 })
        {
            a.Add(pointer, 64);
        }

        a.Add(Gpr.Rbx, 64 * R);
        a.Loop(Gpr.R14, top);
        for (var i = 0; i < T * R; i++)
        {
            a.Store(new Address(Gpr.Rax, 64 * i), i);
        }

        EmittedCode.Leave(a);
    }
}
