namespace MiniMaxSharp.Kernels;

/// <summary>The new tokens of one sequence in a step: consecutive rows of the activations, and the state that they update.</summary>
public readonly unsafe struct LightningSlice
{
    /// <summary>
    /// Rows [row, row + tokens) belong to positions [position, position + tokens) of the sequence whose
    /// <paramref name="state"/> [A, D, Dp] is updated (Dp = D rounded up to 16). The caller keeps the state alive.
    /// </summary>
    public LightningSlice(AlignedBuffer<float> state, int row, int tokens, int position)
    {
        State = state.Pointer;
        StateLength = state.Length;
        Row = row;
        Tokens = tokens;
        Position = position;
    }

    internal float* State { get; }

    internal int StateLength { get; }

    internal int Row { get; }

    internal int Tokens { get; }

    internal int Position { get; }
}
