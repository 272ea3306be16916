namespace MiniMaxSharp.Kernels;

/// <summary>Element type of a stored tensor.</summary>
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
}

/// <summary>Sizes of <see cref="DType"/>.</summary>
public static class DTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int ByteSize(this DType type) => type switch
    {
        DType.F32 or DType.I32 => 4,
        DType.F16 or DType.BF16 => 2,
        DType.I64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
