namespace MiniMaxSharp.Kernels;

internal sealed unsafe partial class BFloat16Kernels
{
    /// <summary>Reference twin of the tiles with their order of operations; equal bits as long as nothing is denormal.</summary>
    /// <param name="row">One row of weights [K], bf16.</param>
    /// <param name="x">One rounded token [K], bf16.</param>
    public static float Reference(ReadOnlySpan<ushort> row, ReadOnlySpan<ushort> x)
    {
        var sums = stackalloc float[F32x16.Lanes];
        new Span<float>(sums, F32x16.Lanes).Clear();
        for (var k = 0; k < row.Length; k += StepFeatures)
        {
            for (var lane = 0; lane < F32x16.Lanes; lane++)
            {
                var even = k + (2 * lane);
                sums[lane] = MathF.FusedMultiplyAdd(Widen(row[even + 1]), Widen(x[even + 1]), sums[lane]);
                sums[lane] = MathF.FusedMultiplyAdd(Widen(row[even]), Widen(x[even]), sums[lane]);
            }
        }

        return F32x16.Load(sums).Sum();
    }

    private static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
