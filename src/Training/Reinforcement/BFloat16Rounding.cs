namespace MiniMaxSharp.Training;

/// <summary>f32 values rounded to bfloat16, to the nearest and halves to even.</summary>
internal static class BFloat16Rounding
{
    /// <summary>A copy with each value rounded.</summary>
    public static float[] Round(ReadOnlySpan<float> values)
    {
        var rounded = new float[values.Length];
        for (var i = 0; i < rounded.Length; i++)
        {
            rounded[i] = Round(values[i]);
        }

        return rounded;
    }

    /// <summary>The nearest bfloat16 of a finite value.</summary>
    public static float Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsFinite(value) ? BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000) : value;
    }
}
