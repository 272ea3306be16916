namespace MiniMaxSharp.Kernels;

/// <summary>How a row of weights of one stored type is read as f32. Widening is exact for every format here.</summary>
internal unsafe interface IWeightFormat
{
    /// <summary>True when rows can be read as f32 without widening.</summary>
    static abstract bool IsF32 { get; }

    /// <summary>Elements [k, k + lanes) of the row.</summary>
    static abstract TVector Load<TVector>(byte* row, int k)
        where TVector : struct, ISimd<TVector>;

    /// <summary>Element k of the row.</summary>
    static abstract float Load(byte* row, int k);
}
