using System.Numerics;
using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>scale · B · A of one matrix [out, in].</summary>
/// <param name="A">[r, in].</param>
/// <param name="B">[out, r].</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">Factor.</param>
public sealed record LoraDelta(float[] A, float[] B, int Rank, float Scale)
{
    /// <summary>Adds a row of scale · B · A to a row of the matrix [in].</summary>
    public void AddTo(int row, Span<float> values)
    {
        for (var r = 0; r < Rank; r++)
        {
            AddScaled(A.AsSpan(r * values.Length, values.Length), Scale * B[(row * Rank) + r], values);
        }
    }

    private static void AddScaled(ReadOnlySpan<float> source, float factor, Span<float> target)
    {
        var from = MemoryMarshal.Cast<float, Vector<float>>(source);
        var to = MemoryMarshal.Cast<float, Vector<float>>(target);
        for (var i = 0; i < to.Length; i++)
        {
            to[i] += from[i] * factor;
        }

        for (var i = to.Length * Vector<float>.Count; i < target.Length; i++)
        {
            target[i] += source[i] * factor;
        }
    }
}
