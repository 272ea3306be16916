namespace MiniMaxSharp.Kernels;

/// <summary>
/// One product y[T, N] = x[T, K] · W[N, K]ᵀ with dense rows of x and y. Several jobs run in one parallel region.
/// The job points into the buffers: their owner keeps them alive until it has run.
/// </summary>
public readonly unsafe struct MatMulJob
{
    /// <summary>A product of <paramref name="tokens"/> rows; x starts at element <paramref name="xOffset"/> of its buffer, y at <paramref name="yOffset"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    /// <exception cref="NotSupportedException">The weight is stored in quantised blocks and not packed.</exception>
    public MatMulJob(Weight weight, AlignedBuffer<float> x, int xOffset, AlignedBuffer<float> y, int yOffset, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegative(xOffset);
        ArgumentOutOfRangeException.ThrowIfNegative(yOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(xOffset + ((long)tokens * weight.Columns), x.Length, nameof(x));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(yOffset + ((long)tokens * weight.Rows), y.Length, nameof(y));
        if (weight.DType.IsQuantized() && !weight.IsPacked)
        {
            throw new NotSupportedException($"Products with {weight.DType} weights need their packed form; see Weight.Pack.");
        }

        Weight = weight;
        Tokens = tokens;
        X = x.Pointer + xOffset;
        Y = y.Pointer + yOffset;
    }

    /// <summary>W [N, K].</summary>
    public Weight Weight { get; }

    /// <summary>T, rows of x and y.</summary>
    public int Tokens { get; }

    internal float* X { get; }

    internal float* Y { get; }
}
