using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Argument of an emitted panel kernel: y[T, 16 P] = x[T, K'] · panels. The kernel reads the fields by these offsets.</summary>
[StructLayout(LayoutKind.Explicit, Size = 88)]
internal unsafe struct PanelTile
{
    public const int WeightsAt = 0, NextPanelAt = 8, XAt = 16, ScalesAt = 24, SumsAt = 32, StrideXAt = 40, SuperBlocksAt = 48, YAt = 56, StrideYAt = 64, NibblesAt = 72, PrefetchAt = 80;

    /// <summary>First panel; the second starts <see cref="NextPanel"/> bytes later.</summary>
    [FieldOffset(WeightsAt)]
    public byte* Weights;

    /// <summary>Bytes of a panel.</summary>
    [FieldOffset(NextPanelAt)]
    public long NextPanel;

    /// <summary>q of the first token (<see cref="QuantizedInputs"/>).</summary>
    [FieldOffset(XAt)]
    public byte* X;

    /// <summary>d of the first token.</summary>
    [FieldOffset(ScalesAt)]
    public byte* Scales;

    /// <summary>Σ q of the first token.</summary>
    [FieldOffset(SumsAt)]
    public byte* Sums;

    /// <summary>Bytes from token to token.</summary>
    [FieldOffset(StrideXAt)]
    public long StrideX;

    /// <summary>K' / 64, at least 1.</summary>
    [FieldOffset(SuperBlocksAt)]
    public long SuperBlocks;

    /// <summary>Output of the first token; 16 floats a panel.</summary>
    [FieldOffset(YAt)]
    public float* Y;

    /// <summary>Bytes from token to token.</summary>
    [FieldOffset(StrideYAt)]
    public long StrideY;

    /// <summary>0x0F0F0F0F, the low half of each byte.</summary>
    [FieldOffset(NibblesAt)]
    public uint Nibbles;

    /// <summary>Where the lines start that this tile brings into the second level of the cache: its share of the panels that come next.</summary>
    [FieldOffset(PrefetchAt)]
    public byte* Prefetch;
}
