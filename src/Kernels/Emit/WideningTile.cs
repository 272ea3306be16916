using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>What the emitted tile of 16-bit weights and one f32 token reads; the offsets are in the code.</summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct WideningTile
{
    public const int WeightsAt = 0, StrideWAt = 8, XAt = 16, BlocksAt = 24, StepsAt = 32, SumsAt = 40;

    /// <summary>First row, at the first feature of the blocks.</summary>
    [FieldOffset(WeightsAt)]
    public byte* Weights;

    /// <summary>Bytes from row to row.</summary>
    [FieldOffset(StrideWAt)]
    public long StrideW;

    /// <summary>The token, f32.</summary>
    [FieldOffset(XAt)]
    public float* X;

    /// <summary>Blocks of features, at least 1.</summary>
    [FieldOffset(BlocksAt)]
    public long Blocks;

    /// <summary>Steps of 32 features in a block, at least 1.</summary>
    [FieldOffset(StepsAt)]
    public long Steps;

    /// <summary>Sums [blocks, R, 16].</summary>
    [FieldOffset(SumsAt)]
    public float* Sums;
}
