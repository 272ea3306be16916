using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Emitted tile of eight rows of 16-bit weights by one f32 token: the loop of decode, which should wait for memory alone. It widens and multiplies
/// in the order of <see cref="MatMul"/> (one accumulator for each block of features, reduced in the tree of <see cref="F32x16"/>), so the bits are
/// the same; what it adds is the prefetch of the rows that come next, in the order of memory.
/// </summary>
internal sealed unsafe class WideningKernels
{
    /// <summary>K must be a multiple of this.</summary>
    public const int StepFeatures = 32;

    /// <summary>Rows of a tile.</summary>
    public const int Rows = 8;

    private const int MaxBlocks = 8;
    private const int X = 16;
    private const int W = 18;

    private readonly byte* code;

    private WideningKernels(byte* code) => this.code = code;

    private static WideningKernels? BFloat16 { get; } = Emit(bfloat16: true);

    private static WideningKernels? Half { get; } = Emit(bfloat16: false);

    /// <summary>The tile for these weights, or null where code may not be emitted or the width does not fit.</summary>
    public static WideningKernels? For(in Weight weight) =>
        Isa.Path != IsaPath.V512 || weight.Columns % StepFeatures != 0 ? null
        : weight.DType == DType.BF16 ? BFloat16
        : weight.DType == DType.F16 ? Half
        : null;

    /// <summary>y[0 … 8) = W[0 … 8) x, summed over blocks of <paramref name="blockK"/> features. <paramref name="weights"/>: first of eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(byte* weights, float* x, float* y, int K, int blockK)
    {
        var sums = stackalloc float[MaxBlocks * Rows * F32x16.Lanes];
        var tile = new WideningTile { StrideW = K * 2L, Sums = sums };
        for (var k = 0; k < K;)
        {
            var whole = Math.Min((K - k) / blockK, MaxBlocks);
            tile.Weights = weights + (k * 2L);
            tile.X = x + k;
            tile.Blocks = Math.Max(whole, 1);
            tile.Steps = (whole > 0 ? blockK : K - k) / StepFeatures;
            ((delegate* unmanaged[SuppressGCTransition]<WideningTile*, void>)code)(&tile);
            for (var block = 0; block < tile.Blocks; block++)
            {
                Reduce(sums + (block * Rows * F32x16.Lanes), y, add: k + block > 0);
            }

            k += (int)(tile.Blocks * tile.Steps * StepFeatures);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Reduce(float* sums, float* y, bool add)
    {
        for (var r = 0; r < Rows; r += 4, sums += 4 * F32x16.Lanes)
        {
            var four = F32x16.Sum(F32x16.Load(sums), F32x16.Load(sums + 16), F32x16.Load(sums + 32), F32x16.Load(sums + 48));
            (add ? Vector128.Load(y + r) + four : four).Store(y + r);
        }
    }

    private static WideningKernels? Emit(bool bfloat16)
    {
        if (!EmittedCode.IsAllowed)
        {
            return null;
        }

        var assembler = new Assembler();
        EmitTile(assembler, bfloat16);
        var code = ExecutableMemory.Place(assembler.ToArray());
        return code == null ? null : new WideningKernels(code);
    }

    private static void EmitTile(Assembler a, bool bfloat16)
    {
        EmittedCode.Enter(a);
        a.Load(Gpr.Rcx, new Address(Gpr.Rax, WideningTile.WeightsAt));
        a.Load(Gpr.R11, new Address(Gpr.Rax, WideningTile.StrideWAt));
        a.Load(Gpr.R8, new Address(Gpr.Rax, WideningTile.XAt));
        a.Load(Gpr.R13, new Address(Gpr.Rax, WideningTile.BlocksAt));
        a.Load(Gpr.R14, new Address(Gpr.Rax, WideningTile.StepsAt));
        a.Load(Gpr.Rax, new Address(Gpr.Rax, WideningTile.SumsAt));
        EmittedCode.EmitThird(a, Gpr.Rdx, Gpr.Rcx, Gpr.R11);
        EmittedCode.EmitThird(a, Gpr.R10, Gpr.Rdx, Gpr.R11);
        a.LoadAddress(Gpr.Rbx, new Address(Gpr.Rcx, 0, Gpr.R11, Rows)); // The rows of the next tile lie behind these.

        var block = a.Position;
        for (var r = 0; r < Rows; r++)
        {
            a.Zero(r);
        }

        a.LoadAddress(Gpr.R12, new Address(Gpr.R14));
        a.Align(32);
        var step = a.Position;
        a.Load(X, new Address(Gpr.R8));
        a.Load(X + 1, new Address(Gpr.R8, 64));
        for (var r = 0; r < Rows; r++)
        {
            a.Prefetch(new Address(Gpr.Rbx, 64 * r));
            var row = new Address((r / 3) switch { 0 => Gpr.Rcx, 1 => Gpr.Rdx, _ => Gpr.R10 }, 0, Gpr.R11, r % 3);
            for (var half = 0; half < 2; half++)
            {
                EmitWidened(a, W + half, row + (32 * half), bfloat16);
                a.Fma(r, X + half, W + half);
            }
        }

        foreach (var pointer in new[] { Gpr.Rcx, Gpr.Rdx, Gpr.R10 })
        {
            a.Add(pointer, 2 * StepFeatures);
        }

        a.Add(Gpr.R8, sizeof(float) * StepFeatures);
        a.Add(Gpr.Rbx, 64 * Rows);
        a.Loop(Gpr.R12, step);
        for (var r = 0; r < Rows; r++)
        {
            a.Store(new Address(Gpr.Rax, 64 * r), r);
        }

        a.Add(Gpr.Rax, 64 * Rows);
        a.Loop(Gpr.R13, block);
        EmittedCode.Leave(a);
    }

    private static void EmitWidened(Assembler a, int z, Address m, bool bfloat16)
    {
        if (!bfloat16)
        {
            a.WidenHalf(z, m);
            return;
        }

        a.WidenUInt16(z, m);
        a.ShiftLeftInt32(z, z, 16);
    }
}
