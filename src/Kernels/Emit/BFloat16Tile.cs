using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Argument of an emitted bf16 kernel: one vector of 16 partial sums for each of T tokens by R rows. The kernel reads the fields by these offsets.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal unsafe struct BFloat16Tile
{
    public const int WeightsAt = 0, StrideWAt = 8, XAt = 16, StrideXAt = 24, StepsAt = 32, SumsAt = 40;

    /// <summary>First row.</summary>
    [FieldOffset(WeightsAt)]
    public byte* Weights;

    /// <summary>Bytes from row to row.</summary>
    [FieldOffset(StrideWAt)]
    public long StrideW;

    /// <summary>First token, bf16.</summary>
    [FieldOffset(XAt)]
    public byte* X;

    /// <summary>Bytes from token to token.</summary>
    [FieldOffset(StrideXAt)]
    public long StrideX;

    /// <summary>K / 32, at least 1.</summary>
    [FieldOffset(StepsAt)]
    public long Steps;

    /// <summary>Sums [T, R, 16].</summary>
    [FieldOffset(SumsAt)]
    public float* Sums;
}
