using System.Globalization;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>One tensor of a safetensors header: what it is and which bytes of the file hold it.</summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="TypeName">Element type as the file spells it, for example <c>BF16</c>.</param>
/// <param name="Shape">Sizes of the dimensions; empty for a scalar.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="ByteCount">Bytes of the data.</param>
public sealed record SafetensorsEntry(string Name, string TypeName, long[] Shape, long Offset, long ByteCount)
{
    /// <summary>The element type, or null for one that this library does not read (F8_E4M3, U8, BOOL, …).</summary>
    public DType? Type { get; } = ParseType(TypeName);

    /// <summary>Number of elements. The header was checked: the product does not overflow.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Bytes that a tensor of <paramref name="shape"/> occupies, or null where the product overflows.</summary>
    internal static long? ByteCountOf(ReadOnlySpan<long> shape, int elementBytes)
    {
        UInt128 bytes = (uint)elementBytes;
        foreach (var size in shape)
        {
            // Both factors stay below 2^63, so the product fits 128 bits. The reference multiplies in this order too:
            // an overflow counts although a later dimension is 0.
            bytes *= (UInt128)(ulong)size;
            if (bytes > long.MaxValue)
            {
                return null;
            }
        }

        return (long)bytes;
    }

    /// <summary>Bytes of one element, or null for a type whose size is not known here.</summary>
    internal static int? ElementBytes(string typeName) => typeName switch
    {
        "BOOL" or "U8" or "I8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 1,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "F32" or "I32" or "U32" => 4,
        "F64" or "I64" or "U64" or "C64" => 8,
        _ => null,
    };

    /// <summary>A shape as the messages print it: <c>[512, 64]</c>.</summary>
    internal static string Text(ReadOnlySpan<long> shape)
    {
        var sizes = new string[shape.Length];
        for (var i = 0; i < sizes.Length; i++)
        {
            sizes[i] = shape[i].ToString(CultureInfo.InvariantCulture);
        }

        return $"[{string.Join(", ", sizes)}]";
    }

    private static DType? ParseType(string typeName) => typeName switch
    {
        "F32" => DType.F32,
        "F16" => DType.F16,
        "BF16" => DType.BF16,
        "I32" => DType.I32,
        "I64" => DType.I64,
        _ => null,
    };
}
