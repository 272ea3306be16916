using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MiniMaxSharp.Kernels;

/// <summary>Eight f32 lanes in one 256-bit vector.</summary>
internal readonly unsafe struct F32x8(Vector256<float> value) : ISimd<F32x8>
{
    private readonly Vector256<float> value = value;

    public static int Lanes => 8;

    public static F32x8 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 LoadBf16(ushort* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        return new((Vector256.Create(low, high) << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 LoadF16(ushort* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load(source));
        return new(HalfBits.Widen(Vector256.Create(low, high)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 LoadF16Unbiased(ushort* source)
    {
        var bits = Avx2.IsSupported ? Avx2.ConvertToVector256Int32((short*)source) : Wide(Vector128.Load((short*)source));
        return new(((bits << 13) & Vector256.Create(unchecked((int)0x8FFFFFFF))).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 LoadInt8(sbyte* source)
    {
        var values = Avx2.IsSupported ? Avx2.ConvertToVector256Int32(source) : Wide(Vector128.WidenLower(Vector64.Load(source).ToVector128()));
        return new(Vector256.ConvertToSingle(values));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Fma(F32x8 a, F32x8 b, F32x8 c) => new(Vector256.FusedMultiplyAdd(a.value, b.value, c.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 operator +(F32x8 a, F32x8 b) => new(a.value + b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 operator -(F32x8 a, F32x8 b) => new(a.value - b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 operator *(F32x8 a, F32x8 b) => new(a.value * b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 operator /(F32x8 a, F32x8 b) => new(a.value / b.value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Max(F32x8 a, F32x8 b) => new(Vector256.Max(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Min(F32x8 a, F32x8 b) => new(Vector256.Min(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Round(F32x8 a) => new(Vector256.Round(a.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x8 Pow2(F32x8 n) => new(((Vector256.ConvertToInt32(n.value) + Vector256.Create(127)) << 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum()
    {
        var four = value.GetLower() + value.GetUpper();
        return (four.GetElement(0) + four.GetElement(2)) + (four.GetElement(1) + four.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum(F32x8 a, F32x8 b, F32x8 c, F32x8 d) => Vector128.Create(a.Sum(), b.Sum(), c.Sum(), d.Sum());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float MaxLane()
    {
        var four = Vector128.Max(value.GetLower(), value.GetUpper());
        return MathF.Max(MathF.Max(four.GetElement(0), four.GetElement(2)), MathF.Max(four.GetElement(1), four.GetElement(3)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Wide(Vector128<short> values)
    {
        var (low, high) = Vector128.Widen(values);
        return Vector256.Create(low, high);
    }
}
