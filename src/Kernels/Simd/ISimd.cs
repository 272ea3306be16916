using System.Runtime.Intrinsics;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// A vector of f32 lanes. Every kernel is written once over <typeparamref name="TSelf"/>; the JIT makes one
/// specialised body for each width, so the three paths of <see cref="Isa"/> share their source.
/// </summary>
internal unsafe interface ISimd<TSelf>
    where TSelf : struct, ISimd<TSelf>
{
    /// <summary>Number of lanes.</summary>
    static abstract int Lanes { get; }

    static abstract TSelf Zero { get; }

    static abstract TSelf Broadcast(float value);

    static abstract TSelf Load(float* source);

    /// <summary>Loads bfloat16 values, widened exactly.</summary>
    static abstract TSelf LoadBf16(ushort* source);

    /// <summary>Loads IEEE half values, widened exactly.</summary>
    static abstract TSelf LoadF16(ushort* source);

    /// <summary>Loads finite IEEE half values times 2^-112, exactly: one step less than <see cref="LoadF16"/>.</summary>
    static abstract TSelf LoadF16Unbiased(ushort* source);

    /// <summary>Loads signed bytes.</summary>
    static abstract TSelf LoadInt8(sbyte* source);

    void Store(float* destination);

    /// <summary>a * b + c with one rounding.</summary>
    static abstract TSelf Fma(TSelf a, TSelf b, TSelf c);

    static abstract TSelf operator +(TSelf a, TSelf b);

    static abstract TSelf operator -(TSelf a, TSelf b);

    static abstract TSelf operator *(TSelf a, TSelf b);

    static abstract TSelf operator /(TSelf a, TSelf b);

    static abstract TSelf Max(TSelf a, TSelf b);

    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>Rounds to the nearest integer, ties to even.</summary>
    static abstract TSelf Round(TSelf a);

    /// <summary>2^n for integral n in −126 … 127.</summary>
    static abstract TSelf Pow2(TSelf n);

    /// <summary>Sum of all lanes, in a fixed tree order.</summary>
    float Sum();

    /// <summary>The four sums of all lanes, each with the bits of its own <see cref="Sum()"/>.</summary>
    static abstract Vector128<float> Sum(TSelf a, TSelf b, TSelf c, TSelf d);

    /// <summary>Largest lane.</summary>
    float MaxLane();
}
