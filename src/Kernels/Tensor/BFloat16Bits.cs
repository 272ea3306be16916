namespace MiniMaxSharp.Kernels;

/// <summary>f32 values as bfloat16: to the nearest, ties to even; NaN stays NaN, infinities stay.</summary>
public static class BFloat16Bits
{
    /// <summary>The bits of the nearest bfloat16.</summary>
    public static ushort Of(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The bits of the nearest bfloat16 of each value.</summary>
    public static void Of(ReadOnlySpan<float> values, Span<ushort> bits)
    {
        for (var i = 0; i < values.Length; i++)
        {
            bits[i] = Of(values[i]);
        }
    }

    /// <summary>Replaces each value by the nearest bfloat16.</summary>
    public static void Round(Span<float> values)
    {
        foreach (ref var value in values)
        {
            value = BitConverter.UInt32BitsToSingle((uint)Of(value) << 16);
        }
    }
}
