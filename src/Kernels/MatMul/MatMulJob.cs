namespace MiniMaxSharp.Kernels;

/// <summary>
/// One product y[T, N] = x[T, K] · W[N, K]ᵀ with dense rows of x and y. Several jobs run in one parallel region.
/// The job points into the buffers: their owner keeps them alive until it has run.
/// </summary>
public readonly unsafe struct MatMulJob
{
    /// <summary>
    /// A product of <paramref name="tokens"/> rows; x starts at element <paramref name="xOffset"/> of its buffer, y at <paramref name="yOffset"/>.
    /// <paramref name="fineInputs"/>: with Q8_0 weights x becomes the sum of two int8 terms, so that its error is far below that of the weights;
    /// for inputs with long tails. The product is computed for each term. Other weights take one term or f32 as ever.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A buffer is too short.</exception>
    /// <exception cref="NotSupportedException">The weight is stored in quantised blocks and not packed.</exception>
    public MatMulJob(Weight weight, AlignedBuffer<float> x, int xOffset, AlignedBuffer<float> y, int yOffset, int tokens, bool fineInputs = false)
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
        FineInputs = fineInputs && weight is { IsPacked: true, DType: DType.Q8_0 };
    }

    private MatMulJob(in MatMulJob job, float* terms)
    {
        Weight = job.Weight;
        Tokens = 2 * job.Tokens;
        X = job.X;
        Y = terms;
    }

    /// <summary>W [N, K].</summary>
    public Weight Weight { get; }

    /// <summary>T, rows of x and y.</summary>
    public int Tokens { get; }

    /// <summary>True when x is the sum of two int8 terms.</summary>
    public bool FineInputs { get; }

    internal float* X { get; }

    internal float* Y { get; }

    /// <summary>The product of both terms of each token, rows 2t and 2t + 1 of <paramref name="terms"/> [2T, N].</summary>
    internal MatMulJob OfTerms(float* terms) => new(this, terms);
}
