using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>Sixteen f32 lanes in one 512-bit vector.</summary>
internal readonly unsafe struct F32x16(Vector512<float> value) : ISimd<F32x16>
{
    private readonly Vector512<float> value = value;

    public static int Lanes => 16;

    public static F32x16 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 LoadBf16(ushort* source)
    {
        if (Avx512F.IsSupported)
        {
            return new((Avx512F.ConvertToVector512UInt32(Vector256.Load(source)) << 16).AsSingle());
        }

        var (low, high) = Vector256.Widen(Vector256.Load(source));
        return new((Vector512.Create(low, high) << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 LoadF16(ushort* source)
    {
        var (low, high) = Vector256.Widen(Vector256.Load(source));
        return new(HalfBits.Widen(Vector512.Create(low, high)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 LoadF16Unbiased(ushort* source)
    {
        var bits = Wide(Vector256.Load((short*)source));
        return new(((bits << 13) & Vector512.Create(unchecked((int)0x8FFFFFFF))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 LoadInt8(sbyte* source)
    {
        var bytes = Vector128.Load(source);
        var values = Avx512F.IsSupported ? Avx512F.ConvertToVector512Int32(bytes) : Wide(Vector256.Create(Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes)));
        return new(Vector512.ConvertToSingle(values));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Fma(F32x16 a, F32x16 b, F32x16 c) => new(Vector512.FusedMultiplyAdd(a.value, b.value, c.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 operator +(F32x16 a, F32x16 b) => new(a.value + b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 operator -(F32x16 a, F32x16 b) => new(a.value - b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 operator *(F32x16 a, F32x16 b) => new(a.value * b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 operator /(F32x16 a, F32x16 b) => new(a.value / b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Max(F32x16 a, F32x16 b) => new(Vector512.Max(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Min(F32x16 a, F32x16 b) => new(Vector512.Min(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Round(F32x16 a) => new(Vector512.Round(a.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x16 Pow2(F32x16 n) => new(((Vector512.ConvertToInt32(n.value) + Vector512.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum()
    {
        var eight = value.GetLower() + value.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return (four.GetElement(0) + four.GetElement(2)) + (four.GetElement(1) + four.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum(F32x16 a, F32x16 b, F32x16 c, F32x16 d)
    {
        if (!Avx512F.IsSupported)
        {
            return Vector128.Create(a.Sum(), b.Sum(), c.Sum(), d.Sum());
        }

        // The tree of Sum(): lane i with i + 8, then i + 4, i + 2, i + 1; quarters of 128 bits hold one vector each after two steps.
        var ab = Avx512F.Shuffle4x128(a.value, b.value, 0x44) + Avx512F.Shuffle4x128(a.value, b.value, 0xEE);
        var cd = Avx512F.Shuffle4x128(c.value, d.value, 0x44) + Avx512F.Shuffle4x128(c.value, d.value, 0xEE);
        var sum = Avx512F.Shuffle4x128(ab, cd, 0x88) + Avx512F.Shuffle4x128(ab, cd, 0xDD);
        sum += Avx512F.Permute4x32(sum, 0x4E);
        sum += Avx512F.Permute4x32(sum, 0xB1);
        return Avx512F.PermuteVar16x32(sum, Vector512.Create(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12)).GetLower().GetLower();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float MaxLane()
    {
        var eight = Vector256.Max(value.GetLower(), value.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four.GetElement(0), four.GetElement(2)), MathF.Max(four.GetElement(1), four.GetElement(3)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Wide(Vector256<short> values)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(values);
        }

        var (low, high) = Vector256.Widen(values);
        return Vector512.Create(low, high);
    }
}
