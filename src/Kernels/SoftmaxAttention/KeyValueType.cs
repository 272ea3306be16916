namespace MiniMaxSharp.Kernels;

/// <summary>How keys and values of softmax attention are stored.</summary>
public enum KeyValueType
{
    /// <summary>IEEE single: exact.</summary>
    F32,

    /// <summary>IEEE half: 11 bits, values beyond ±65,504 saturate.</summary>
    F16,

    /// <summary>bfloat16: 8 bits, the range of f32.</summary>
    BF16,

    /// <summary>Signed bytes with one f32 scale for each key and each value of a head.</summary>
    Q8,
}

/// <summary>Sizes of <see cref="KeyValueType"/>.</summary>
public static class KeyValueTypeExtensions
{
    /// <summary>Bytes of one element, without the scale.</summary>
    public static int ElementBytes(this KeyValueType type) => type switch
    {
        KeyValueType.F32 => sizeof(float),
        KeyValueType.F16 or KeyValueType.BF16 => sizeof(ushort),
        KeyValueType.Q8 => sizeof(sbyte),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "This is no type of keys and values."),
    };

    /// <summary>Bytes of the scale of one key or value.</summary>
    public static int ScaleBytes(this KeyValueType type) => type == KeyValueType.Q8 ? sizeof(float) : 0;

    /// <summary>Bytes of keys and values that attention reads for one token of the past in one layer.</summary>
    public static long BytesPerToken(this KeyValueType type, int heads, int headDim) =>
        2L * heads * (((long)headDim * type.ElementBytes()) + type.ScaleBytes());
}
