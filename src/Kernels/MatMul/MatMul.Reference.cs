namespace MiniMaxSharp.Kernels;

public static partial class MatMul
{
    /// <summary>Reference twin of <see cref="Multiply(MatMulJob, ComputePool)"/>: y[t, n] = Σ_k x[t, k] · W[n, k], accumulated in double.</summary>
    public static void Reference(ReadOnlySpan<float> x_T_K, Weight weight, Span<float> y_T_N)
    {
        var tokens = x_T_K.Length / weight.Columns;
        var row = new float[weight.Columns];
        for (var n = 0; n < weight.Rows; n++)
        {
            weight.CopyRow(n, row);
            for (var t = 0; t < tokens; t++)
            {
                var sum = 0.0;
                for (var k = 0; k < row.Length; k++)
                {
                    sum += (double)x_T_K[(t * row.Length) + k] * row[k];
                }

                y_T_N[(t * weight.Rows) + n] = (float)sum;
            }
        }
    }
}
