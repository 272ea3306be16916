using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// A row-major matrix [Rows, Columns] of plain or block-quantised weights, read in place: it points into a
/// <see cref="MappedFile"/> or an <see cref="AlignedBuffer{T}"/> and must not outlive it.
/// </summary>
public readonly unsafe struct Weight
{
    internal Weight(byte* data, DType type, int rows, int columns, bool packed = false, bool mapped = false)
    {
        if (type is DType.I32 or DType.I64)
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Weights are floating-point numbers or quantised blocks.");
        }

        Data = data;
        DType = type;
        Rows = rows;
        Columns = columns;
        RowBytes = type.RowBytes(columns);
        IsPacked = packed;
        IsMapped = mapped;
    }

    /// <summary>Element type.</summary>
    public DType DType { get; }

    /// <summary>Output features, [out] of the official layout.</summary>
    public int Rows { get; }

    /// <summary>Input features, [in].</summary>
    public int Columns { get; }

    /// <summary>True for the default value, which stands for "this model has no such tensor".</summary>
    public bool IsEmpty => Data == null;

    /// <summary>Bytes that the matrix occupies.</summary>
    public long ByteCount => IsPacked ? PanelLayout.ByteCount(DType, Rows, Columns) : Rows * RowBytes;

    /// <summary>True for the layout of <see cref="Pack"/>, whose rows cannot be read one by one.</summary>
    public bool IsPacked { get; }

    /// <summary>
    /// True when products with BF16 weights round their inputs to bf16 too, where the CPU multiplies bf16 (AVX512_BF16) and <see cref="Columns"/> is a multiple
    /// of 32. Faster, but each input keeps only 8 significant bits; elsewhere, and with other weights, it changes nothing.
    /// </summary>
    public bool RoundsInputs { get; private init; }

    internal byte* Data { get; }

    /// <summary>True when the rows are pages of a file, which can be given back.</summary>
    private bool IsMapped { get; }

    private long RowBytes { get; }

    /// <summary>A matrix over <paramref name="values"/>; the caller keeps the buffer alive.</summary>
    public static Weight From(AlignedBuffer<float> values, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, checked(rows * columns));
        return new Weight((byte*)values.Pointer, DType.F32, rows, columns);
    }

    /// <summary>A matrix over 16-bit <paramref name="values"/> (F16 or BF16); the caller keeps the buffer alive.</summary>
    public static Weight From(AlignedBuffer<ushort> values, DType type, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values.Length, checked(rows * columns));
        ArgumentOutOfRangeException.ThrowIfNotEqual(type.ByteSize(), sizeof(ushort));
        return new Weight((byte*)values.Pointer, type, rows, columns);
    }

    /// <summary>A matrix over <paramref name="bytes"/> in the stored layout of <paramref name="type"/>; the caller keeps the buffer alive.</summary>
    public static Weight From(AlignedBuffer<byte> bytes, DType type, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes.Length, checked(rows * type.RowBytes(columns)));
        return new Weight(bytes.Pointer, type, rows, columns);
    }

    /// <summary>A copy of a quantised matrix in the layout that products read; the file's memory is not needed afterwards.</summary>
    /// <exception cref="NotSupportedException">The matrix is not quantised, or packed already.</exception>
    public Weight Pack(ComputePool pool, PanelMemory memory)
    {
        if (IsPacked || !DType.IsQuantized())
        {
            throw new NotSupportedException($"There is no packed layout for this {DType} matrix: only for rows of quantised blocks.");
        }

        var target = memory.Take(PanelLayout.ByteCount(DType, Rows, Columns));
        var work = new PackWork(this, target);
        pool.For((Rows + PanelLayout.Rows - 1) / PanelLayout.Rows, grain: 1, ref work);
        return new Weight(target, DType, Rows, Columns, packed: true);
    }

    /// <summary>The same matrix with <see cref="RoundsInputs"/>.</summary>
    public Weight WithRoundedInputs() => this with { RoundsInputs = true };

    /// <summary>Bytes that <see cref="Pack"/> takes; 0 for a matrix that is not packed.</summary>
    public long PackedBytes => DType.IsQuantized() && !IsPacked && !IsEmpty ? PanelMemory.Align(PanelLayout.ByteCount(DType, Rows, Columns)) : 0;

    /// <summary>Starts to read the rows of a mapped matrix from the disk; a hint.</summary>
    public void ReadAhead()
    {
        if (IsMapped)
        {
            PageAdvice.ReadAhead(Data, Rows * RowBytes);
        }
    }

    /// <summary>Gives the memory of a mapped matrix back; rows that are touched later are read from the file again.</summary>
    public void ReleasePages()
    {
        if (IsMapped)
        {
            PageAdvice.Release(Data, Rows * RowBytes);
        }
    }

    /// <summary>Rows [start, start + count) of this matrix.</summary>
    public Weight Slice(int start, int count)
    {
        RequireRows();
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)start + count, Rows);
        return new Weight(Data + (start * RowBytes), DType, count, Columns, packed: false, IsMapped) { RoundsInputs = RoundsInputs };
    }

    /// <summary>Widens or dequantises row <paramref name="row"/> to f32, with the bits of ggml.</summary>
    public void CopyRow(int row, Span<float> destination)
    {
        RequireRows();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        var source = Data + (row * RowBytes);
        if (DType == DType.F32)
        {
            new ReadOnlySpan<float>(source, Columns).CopyTo(destination);
            return;
        }

        if (DType.IsQuantized())
        {
            Dequantizer.Dequantize(DType, new ReadOnlySpan<byte>(source, checked((int)RowBytes)), destination[..Columns]);
            return;
        }

        var bits = new ReadOnlySpan<ushort>(source, Columns);
        for (var i = 0; i < bits.Length; i++)
        {
            destination[i] = DType == DType.BF16
                ? BitConverter.UInt32BitsToSingle((uint)bits[i] << 16)
                : (float)BitConverter.UInt16BitsToHalf(bits[i]);
        }
    }

    /// <summary>All values as f32, row by row; for vectors such as norm weights and for tests.</summary>
    public float[] ToArray()
    {
        var values = new float[checked(Rows * Columns)];
        for (var row = 0; row < Rows; row++)
        {
            CopyRow(row, values.AsSpan(row * Columns, Columns));
        }

        return values;
    }

    /// <summary>The stored bytes of row <paramref name="row"/>.</summary>
    public ReadOnlySpan<byte> RowBytesAt(int row)
    {
        RequireRows();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        return MemoryMarshal.CreateReadOnlySpan(ref Data[row * RowBytes], checked((int)RowBytes));
    }

    private void RequireRows()
    {
        if (IsPacked)
        {
            throw new InvalidOperationException("A packed matrix has no rows in place; read them from the matrix it was packed from.");
        }
    }

    private readonly struct PackWork(Weight source, byte* target) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            for (var panel = start; panel < end; panel++)
            {
                PanelLayout.Pack(source, panel, target + (panel * PanelLayout.PanelBytes(source.DType, source.Columns)));
            }
        }
    }
}
