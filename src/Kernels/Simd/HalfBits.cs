using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// IEEE half → single on integer vectors, exact for every finite value, subnormals included: the bits are moved
/// into the f32 layout and the exponent bias is corrected by one multiplication with 2^112.
/// </summary>
internal static class HalfBits
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Widen(Vector512<uint> half)
    {
        var magnitude = ((half & Vector512.Create(0x7FFFu)) << 13).AsSingle() * Vector512.Create(5.192296858534828e33f);
        var special = Vector512.GreaterThanOrEqual(half & Vector512.Create(0x7FFFu), Vector512.Create(0x7C00u));
        var bits = magnitude.AsUInt32() | (special & Vector512.Create(0x7F800000u));
        return (bits | ((half & Vector512.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector256<uint> half)
    {
        var magnitude = ((half & Vector256.Create(0x7FFFu)) << 13).AsSingle() * Vector256.Create(5.192296858534828e33f);
        var special = Vector256.GreaterThanOrEqual(half & Vector256.Create(0x7FFFu), Vector256.Create(0x7C00u));
        var bits = magnitude.AsUInt32() | (special & Vector256.Create(0x7F800000u));
        return (bits | ((half & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }
}
