namespace MiniMaxSharp.Kernels;

/// <summary>Argument of an emitted panel kernel: y[T, 16 P] = x[T, K'] · panels. The kernel reads the fields by their offsets.</summary>
internal unsafe struct PanelTile
{
    /// <summary>First panel; the second starts <see cref="NextPanel"/> bytes later.</summary>
    public byte* Weights;

    /// <summary>Bytes of a panel.</summary>
    public long NextPanel;

    /// <summary>q of the first token (<see cref="QuantizedInputs"/>).</summary>
    public byte* X;

    /// <summary>d of the first token.</summary>
    public byte* Scales;

    /// <summary>Σ q of the first token.</summary>
    public byte* Sums;

    /// <summary>Bytes from token to token.</summary>
    public long StrideX;

    /// <summary>K' / 64, at least 1.</summary>
    public long SuperBlocks;

    /// <summary>Output of the first token; 16 floats a panel.</summary>
    public float* Y;

    /// <summary>Bytes from token to token.</summary>
    public long StrideY;

    /// <summary>0x0F0F0F0F, the low half of each byte.</summary>
    public uint Nibbles;
}
