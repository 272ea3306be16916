namespace MiniMaxSharp.Kernels;

/// <summary>Element type of a stored tensor. The names of block formats are ggml's.</summary>
public enum DType
{
    /// <summary>IEEE single.</summary>
    F32,

    /// <summary>IEEE half.</summary>
    F16,

    /// <summary>bfloat16: the upper half of an f32.</summary>
    BF16,

    /// <summary>Signed 32-bit integer (golden files, token ids).</summary>
    I32,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Blocks of 32: an f16 scale and 32 signed bytes.</summary>
    Q8_0,

    /// <summary>Blocks of 32: an f16 scale and 32 values of 4 bits, offset 8.</summary>
    Q4_0,

    /// <summary>Blocks of 256: f16 scale and minimum, 8 × 6-bit scales and minima of 32 values each, 256 values of 4 bits.</summary>
    Q4_K,

    /// <summary>Blocks of 256: f16 scale, 16 × 8-bit scales of 16 values each, 256 values of 6 bits, offset 32.</summary>
    Q6_K,
}

/// <summary>Sizes of <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>True when values are stored in blocks that share a scale.</summary>
    public static bool IsQuantized(this DType type) => type is DType.Q8_0 or DType.Q4_0 or DType.Q4_K or DType.Q6_K;

    /// <summary>Elements that are stored together: 1 for plain types.</summary>
    public static int BlockElements(this DType type) => type switch
    {
        DType.Q8_0 or DType.Q4_0 => 32,
        DType.Q4_K or DType.Q6_K => 256,
        _ => 1,
    };

    /// <summary>Bytes of one block: of one element for plain types.</summary>
    public static int BlockBytes(this DType type) => type switch
    {
        DType.Q8_0 => 34,
        DType.Q4_0 => 18,
        DType.Q4_K => 144,
        DType.Q6_K => 210,
        _ => type.ByteSize(),
    };

    /// <summary>Bytes of one element of a plain type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The type is stored in blocks; see <see cref="RowBytes"/>.</exception>
    public static int ByteSize(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.F16 or DType.BF16 => 2,
        DType.I64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "This type has no size of one element."),
    };

    /// <summary>Bytes of a row of <paramref name="columns"/> elements.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="columns"/> is not a multiple of the block.</exception>
    public static long RowBytes(this DType type, long columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        return columns % type.BlockElements() == 0
            ? columns / type.BlockElements() * type.BlockBytes()
            : throw new ArgumentOutOfRangeException(nameof(columns), columns, $"A row of {type} is a multiple of {type.BlockElements()} elements.");
    }
}
