using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Rows of ggml's block formats → f32, in the rounding order of ggml (block layouts: ggml-common.h).</summary>
public static class Dequantizer
{
    /// <summary>Widens a row of <paramref name="type"/>; <paramref name="destination"/> holds the row's elements.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The type has no blocks, or the lengths do not agree.</exception>
    public static void Dequantize(DType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length, type.RowBytes(destination.Length), nameof(source));
        var (elements, bytes) = (type.BlockElements(), type.BlockBytes());
        for (; destination.Length > 0; source = source[bytes..], destination = destination[elements..])
        {
            switch (type)
            {
                case DType.Q8_0: Q8_0(source, destination); break;
                case DType.Q4_0: Q4_0(source, destination); break;
                case DType.Q4_K: Q4_K(source, destination); break;
                case DType.Q6_K: Q6_K(source, destination); break;
                default: throw new ArgumentOutOfRangeException(nameof(type), type, "This type is not stored in blocks.");
            }
        }
    }

    /// <summary>Scale and minimum of 32 values: 6 bits each, the upper two bits of the last four spread over the first eight bytes.</summary>
    internal static (int Scale, int Minimum) ScaleOfQ4_K(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));

    internal static float Half(ReadOnlySpan<byte> bits) => (float)BinaryPrimitives.ReadHalfLittleEndian(bits);

    /// <summary>d f16, q i8[32].</summary>
    private static void Q8_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        var d = Half(block);
        var q = MemoryMarshal.Cast<byte, sbyte>(block.Slice(2, 32));
        for (var i = 0; i < 32; i++)
        {
            values[i] = q[i] * d;
        }
    }

    /// <summary>d f16, q u4[32]: low nibbles are elements 0 … 15, high nibbles 16 … 31.</summary>
    private static void Q4_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        var d = Half(block);
        for (var i = 0; i < 16; i++)
        {
            values[i] = ((block[2 + i] & 15) - 8) * d;
            values[i + 16] = ((block[2 + i] >> 4) - 8) * d;
        }
    }

    /// <summary>d f16, dmin f16, scales u6[8] and minima u6[8] in 12 bytes, q u4[256]: per 32 bytes the low nibbles, then the high ones.</summary>
    private static void Q4_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block), dMin = Half(block[2..]);
        for (var group = 0; group < 8; group++)
        {
            var (scale, minimum) = ScaleOfQ4_K(block.Slice(4, 12), group);
            float step = d * scale, offset = dMin * minimum;
            var q = block.Slice(16 + (group / 2 * 32), 32);
            for (var i = 0; i < 32; i++)
            {
                values[(32 * group) + i] = (step * (q[i] >> (group % 2 * 4) & 15)) - offset;
            }
        }
    }

    /// <summary>Low nibbles u8[128], upper two bits u8[64], scales i8[16], d f16; see <see cref="ValueOfQ6_K"/>.</summary>
    private static void Q6_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        var d = Half(block[208..]);
        for (var i = 0; i < 256; i++)
        {
            values[i] = d * (sbyte)block[192 + (i / 16)] * ValueOfQ6_K(block, i);
        }
    }

    /// <summary>Element i, −32 … 31. Each half of 128 elements has four runs of 32: nibbles low, low, high, high; bit pairs 0, 1, 2, 3.</summary>
    internal static int ValueOfQ6_K(ReadOnlySpan<byte> block, int i)
    {
        var (half, run, lane) = (i / 128, i % 128 / 32, i % 32);
        var low = block[(64 * half) + (run % 2 * 32) + lane] >> (run / 2 * 4) & 15;
        var high = block[128 + (32 * half) + lane] >> (2 * run) & 3;
        return (low | (high << 4)) - 32;
    }
}
