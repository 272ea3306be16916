using System.Runtime.CompilerServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// How stored keys and values are read as f32. A read value times 2^<see cref="Exponent"/> is the stored one: powers of two are exact,
/// so a cheap read leaves them to the queries and probabilities, of which there are fewer.
/// </summary>
internal unsafe interface IKeyValueFormat
{
    static abstract int ElementBytes { get; }

    static abstract int Exponent { get; }

    /// <summary>True when each key and value has a scale of its own.</summary>
    static abstract bool HasScales { get; }

    static abstract TVector Load<TVector>(byte* source)
        where TVector : struct, ISimd<TVector>;
}

/// <summary><see cref="KeyValueType.F32"/>.</summary>
internal readonly unsafe struct F32KeyValues : IKeyValueFormat
{
    public static int ElementBytes => sizeof(float);

    public static int Exponent => 0;

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* source)
        where TVector : struct, ISimd<TVector> => TVector.Load((float*)source);
}

/// <summary><see cref="KeyValueType.F16"/>: finite halves with the bits moved into the f32 layout, whose exponent bias is larger by 112.</summary>
internal readonly unsafe struct F16KeyValues : IKeyValueFormat
{
    public static int ElementBytes => sizeof(ushort);

    public static int Exponent => 112;

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* source)
        where TVector : struct, ISimd<TVector> => TVector.LoadF16Unbiased((ushort*)source);
}

/// <summary><see cref="KeyValueType.BF16"/>.</summary>
internal readonly unsafe struct Bf16KeyValues : IKeyValueFormat
{
    public static int ElementBytes => sizeof(ushort);

    public static int Exponent => 0;

    public static bool HasScales => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* source)
        where TVector : struct, ISimd<TVector> => TVector.LoadBf16((ushort*)source);
}

/// <summary><see cref="KeyValueType.Q8"/>; the scale is applied to scores and probabilities.</summary>
internal readonly unsafe struct Q8KeyValues : IKeyValueFormat
{
    public static int ElementBytes => sizeof(sbyte);

    public static int Exponent => 0;

    public static bool HasScales => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector>(byte* source)
        where TVector : struct, ISimd<TVector> => TVector.LoadInt8((sbyte*)source);
}
