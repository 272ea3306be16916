namespace MiniMaxSharp.Kernels;

/// <summary>
/// Writes and reads one key or value [D] inside its panels: element d is at (d / 32) · panel + (d % 32) · step.
/// </summary>
internal static unsafe class KeyValueRow
{
    private const int Columns = KeyValuePages.PanelColumns;
    private const float LargestHalf = 65504;
    private const float LargestByte = 127;
    private const float SmallestRow = 1e-30f;

    public static void Store(ReadOnlySpan<float> row, KeyValueType type, byte* target, int step, int panel, float* scale)
    {
        var inverse = type == KeyValueType.Q8 ? StoreScale(row, scale) : 0;
        for (var d = 0; d < row.Length; d++)
        {
            var at = (d / Columns * panel) + (d % Columns * step);
            switch (type)
            {
                case KeyValueType.F32: ((float*)target)[at] = row[d]; break;
                case KeyValueType.F16: ((ushort*)target)[at] = HalfBitsOf(row[d]); break;
                case KeyValueType.BF16: ((ushort*)target)[at] = BFloat16Bits.Of(row[d]); break;
                default: ((sbyte*)target)[at] = (sbyte)MathF.Round(row[d] * inverse); break;
            }
        }
    }

    public static void Load(byte* source, int step, int panel, KeyValueType type, float* scale, Span<float> row)
    {
        for (var d = 0; d < row.Length; d++)
        {
            var at = (d / Columns * panel) + (d % Columns * step);
            row[d] = type switch
            {
                KeyValueType.F32 => ((float*)source)[at],
                KeyValueType.F16 => (float)BitConverter.UInt16BitsToHalf(((ushort*)source)[at]),
                KeyValueType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[at] << 16),
                _ => ((sbyte*)source)[at] * *scale,
            };
        }
    }

    /// <summary>Sets the scale so that the largest magnitude becomes 127, and returns its inverse; 0 for a row that is as good as zero.</summary>
    private static float StoreScale(ReadOnlySpan<float> row, float* scale)
    {
        var largest = 0f;
        foreach (var value in row)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        *scale = largest / LargestByte;
        return largest >= SmallestRow ? LargestByte / largest : 0;
    }

    /// <summary>Saturates: the kernel reads finite halves only.</summary>
    private static ushort HalfBitsOf(float value) => BitConverter.HalfToUInt16Bits((Half)Math.Clamp(value, -LargestHalf, LargestHalf));
}
