using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Rows of BF16 weights.</summary>
internal readonly unsafe struct Bf16Format : IWeightFormat
{
    public static bool IsF32 => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* row, int k)
        where TVector : struct, ISimd<TVector> => TVector.LoadBf16((ushort*)row + k);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int k) => BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[k] << 16);
}
