using System.Runtime.InteropServices;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>One tensor to be written: the rows of matrices, one matrix after the other, in one element type.</summary>
/// <param name="Declaration">Name, type and shape.</param>
/// <param name="Parts">The matrices.</param>
/// <param name="Importance">Importance of the columns of each matrix for quantisation; an empty one weighs all alike.</param>
/// <param name="Adapter">What is added to the matrices.</param>
internal sealed record ExportTensor(
    TensorDeclaration Declaration, IReadOnlyList<ExportPart> Parts, IReadOnlyList<float[]>? Importance = null, LoraAdapter? Adapter = null)
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>A tensor in the type that is asked for, else in the one that all its matrices have, else in F32.</summary>
    public static ExportTensor Of(string name, DType? type, long[] shape, params IReadOnlyList<ExportPart> parts)
    {
        var first = parts[0].Weight.DType;
        var common = parts.All(part => part.Weight.DType == first) ? first : DType.F32;
        return new ExportTensor(new TensorDeclaration(name, type ?? common, shape), parts);
    }

    /// <summary>Hands the bytes to <paramref name="write"/> with the name, in chunks.</summary>
    /// <exception cref="InvalidInputException">A value is too large for F16.</exception>
    public void WriteTo(Action<string, ReadOnlySpan<byte>> write, CancellationToken cancellationToken)
    {
        var buffer = new List<byte>(ChunkBytes);
        var values = new float[Parts[0].Weight.Columns];
        for (var index = 0; index < Parts.Count; index++)
        {
            var delta = Adapter?.Of(Parts[index].Name);
            for (var row = 0; row < Parts[index].Weight.Rows; row++)
            {
                Append(buffer, index, row, values, delta);
                if (buffer.Count >= ChunkBytes)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    write(Declaration.Name, CollectionsMarshal.AsSpan(buffer));
                    buffer.Clear();
                }
            }
        }

        write(Declaration.Name, CollectionsMarshal.AsSpan(buffer));
    }

    private void Append(List<byte> buffer, int index, int row, float[] values, LoraDelta? delta)
    {
        var part = Parts[index].Weight;
        if (part.DType == Declaration.Type && delta is null)
        {
            buffer.AddRange(part.RowBytesAt(row));
            return;
        }

        part.CopyRow(row, values);
        delta?.AddTo(row, values);
        if (Declaration.Type == DType.F32)
        {
            buffer.AddRange(MemoryMarshal.AsBytes(values.AsSpan()));
            return;
        }

        var start = buffer.Count;
        CollectionsMarshal.SetCount(buffer, start + checked((int)Declaration.Type.RowBytes(values.Length)));
        if (Declaration.Type.IsQuantized())
        {
            Quantizer.Quantize(Declaration.Type, values, Importance?[index] ?? [], CollectionsMarshal.AsSpan(buffer)[start..]);
            return;
        }

        var bits = MemoryMarshal.Cast<byte, ushort>(CollectionsMarshal.AsSpan(buffer)[start..]);
        if (Declaration.Type == DType.BF16)
        {
            BFloat16Bits.Of(values, bits);
        }
        else
        {
            ToHalf(values, bits, row);
        }
    }

    private void ToHalf(ReadOnlySpan<float> values, Span<ushort> bits, int row)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var half = (Half)values[i];
            if (Half.IsInfinity(half) && float.IsFinite(values[i]))
            {
                throw new InvalidInputException(FormattableString.Invariant(
                    $"{Declaration.Name} holds {values[i]} in row {row}, which is beyond the largest F16, 65504. Use --dtype bf16 or f32."));
            }

            bits[i] = BitConverter.HalfToUInt16Bits(half);
        }
    }
}
