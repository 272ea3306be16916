using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>One f32 lane: the scalar path.</summary>
internal readonly unsafe struct F32x1(float value) : ISimd<F32x1>
{
    private readonly float value = value;

    public static int Lanes => 1;

    public static F32x1 Zero => default;

    public static F32x1 Broadcast(float value) => new(value);

    public static F32x1 Load(float* source) => new(*source);

    public static F32x1 LoadBf16(ushort* source) => new(BitConverter.UInt32BitsToSingle((uint)*source << 16));

    public static F32x1 LoadF16(ushort* source) => new((float)BitConverter.UInt16BitsToHalf(*source));

    public static F32x1 LoadF16Unbiased(ushort* source) => new(BitConverter.Int32BitsToSingle(((short)*source << 13) & unchecked((int)0x8FFFFFFF)));

    public static F32x1 LoadInt8(sbyte* source) => new(*source);

    public void Store(float* destination) => *destination = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static F32x1 Fma(F32x1 a, F32x1 b, F32x1 c) => new(MathF.FusedMultiplyAdd(a.value, b.value, c.value));

    public static F32x1 operator +(F32x1 a, F32x1 b) => new(a.value + b.value);

    public static F32x1 operator -(F32x1 a, F32x1 b) => new(a.value - b.value);

    public static F32x1 operator *(F32x1 a, F32x1 b) => new(a.value * b.value);

    public static F32x1 operator /(F32x1 a, F32x1 b) => new(a.value / b.value);

    public static F32x1 Max(F32x1 a, F32x1 b) => new(MathF.Max(a.value, b.value));

    public static F32x1 Min(F32x1 a, F32x1 b) => new(MathF.Min(a.value, b.value));

    public static F32x1 Round(F32x1 a) => new(MathF.Round(a.value));

    public static F32x1 Pow2(F32x1 n) => new(BitConverter.Int32BitsToSingle(((int)n.value + 127) << 23));

    public float Sum() => value;

    public static Vector128<float> Sum(F32x1 a, F32x1 b, F32x1 c, F32x1 d) => Vector128.Create(a.value, b.value, c.value, d.value);

    public float MaxLane() => value;
}
