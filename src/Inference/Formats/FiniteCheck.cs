using System.Numerics;
using System.Runtime.InteropServices;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>Looks for NaN and infinities in stored weights: both have an exponent of all ones.</summary>
internal static class FiniteCheck
{
    /// <summary>Index of the first value of <paramref name="weight"/> that is NaN or infinite, counted row by row, or −1.</summary>
    public static long FirstNonFinite(Weight weight)
    {
        var values = weight.DType.IsQuantized() ? new float[weight.Columns] : [];
        for (var row = 0; row < weight.Rows; row++)
        {
            if (values.Length > 0)
            {
                weight.CopyRow(row, values);
            }

            var bytes = values.Length > 0 ? MemoryMarshal.AsBytes<float>(values) : weight.RowBytesAt(row);
            var column = weight.DType switch
            {
                DType.F32 or DType.Q8_0 or DType.Q4_0 or DType.Q4_K or DType.Q6_K => IndexOf(MemoryMarshal.Cast<byte, uint>(bytes), 0x7F80_0000u),
                DType.BF16 => IndexOf(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7F80),
                _ => IndexOf(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7C00),
            };
            if (column >= 0)
            {
                return ((long)row * weight.Columns) + column;
            }
        }

        return -1;
    }

    /// <summary>First element whose bits under <paramref name="exponent"/> are all set.</summary>
    private static int IndexOf<T>(ReadOnlySpan<T> bits, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var vectors = MemoryMarshal.Cast<T, Vector<T>>(bits);
        var mask = new Vector<T>(exponent);
        var start = 0;
        foreach (var vector in vectors)
        {
            if (Vector.EqualsAny(vector & mask, mask))
            {
                break;
            }

            start += Vector<T>.Count;
        }

        for (; start < bits.Length; start++)
        {
            if ((bits[start] & exponent) == exponent)
            {
                return start;
            }
        }

        return -1;
    }
}
