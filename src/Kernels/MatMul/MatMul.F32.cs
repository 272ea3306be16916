using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Rows of F32 weights.</summary>
internal readonly unsafe struct F32Format : IWeightFormat
{
    public static bool IsF32 => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* row, int k)
        where TVector : struct, ISimd<TVector> => TVector.Load((float*)row + k);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int k) => ((float*)row)[k];
}
