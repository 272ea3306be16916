using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Rows of F16 weights.</summary>
internal readonly unsafe struct F16Format : IWeightFormat
{
    public static bool IsF32 => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* row, int k)
        where TVector : struct, ISimd<TVector> => TVector.LoadF16((ushort*)row + k);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int k) => (float)BitConverter.UInt16BitsToHalf(((ushort*)row)[k]);
}
