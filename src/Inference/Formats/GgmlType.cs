using System.Collections.Frozen;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>An element type of GGUF files: numbers, names and block sizes are those of ggml.</summary>
/// <param name="Number">How the file names it.</param>
/// <param name="Name">How people name it, for example <c>Q4_K</c>.</param>
/// <param name="BlockElements">Elements of one block; rows are whole blocks.</param>
/// <param name="BlockBytes">Bytes of one block.</param>
/// <param name="Type">The element type here; null for one that this library does not read.</param>
public sealed record GgmlType(uint Number, string Name, int BlockElements, int BlockBytes, DType? Type = null)
{
    private static readonly FrozenDictionary<uint, GgmlType> byNumber = new GgmlType[]
    {
        new(0, "F32", 1, 4, DType.F32),
        new(1, "F16", 1, 2, DType.F16),
        new(2, "Q4_0", 32, 18, DType.Q4_0),
        new(3, "Q4_1", 32, 20),
        new(6, "Q5_0", 32, 22),
        new(7, "Q5_1", 32, 24),
        new(8, "Q8_0", 32, 34, DType.Q8_0),
        new(9, "Q8_1", 32, 40),
        new(10, "Q2_K", 256, 84),
        new(11, "Q3_K", 256, 110),
        new(12, "Q4_K", 256, 144, DType.Q4_K),
        new(13, "Q5_K", 256, 176),
        new(14, "Q6_K", 256, 210, DType.Q6_K),
        new(15, "Q8_K", 256, 292),
        new(16, "IQ2_XXS", 256, 66),
        new(17, "IQ2_XS", 256, 74),
        new(18, "IQ3_XXS", 256, 98),
        new(19, "IQ1_S", 256, 50),
        new(20, "IQ4_NL", 32, 18),
        new(21, "IQ3_S", 256, 110),
        new(22, "IQ2_S", 256, 82),
        new(23, "IQ4_XS", 256, 136),
        new(24, "I8", 1, 1),
        new(25, "I16", 1, 2),
        new(26, "I32", 1, 4, DType.I32),
        new(27, "I64", 1, 8, DType.I64),
        new(28, "F64", 1, 8),
        new(29, "IQ1_M", 256, 56),
        new(30, "BF16", 1, 2, DType.BF16),
        new(34, "TQ1_0", 256, 54),
        new(35, "TQ2_0", 256, 66),
        new(39, "MXFP4", 32, 17),
        new(40, "NVFP4", 64, 36),
        new(41, "Q1_0", 128, 18),
        new(42, "Q2_0", 64, 18),
    }.ToFrozenDictionary(static type => type.Number);

    /// <summary>The type with this number, or null for one that is not known.</summary>
    public static GgmlType? Find(uint number) => byNumber.GetValueOrDefault(number);

    /// <summary>The type that files name for <paramref name="type"/>.</summary>
    public static GgmlType Of(DType type) => byNumber.Values.First(candidate => candidate.Type == type);

    /// <summary>
    /// Bytes of a tensor whose rows have <paramref name="columns"/> elements, or null where the row is no whole number of blocks
    /// or the size exceeds 63 bits.
    /// </summary>
    public long? ByteCount(long columns, params ReadOnlySpan<long> outer)
    {
        if (columns % BlockElements != 0)
        {
            return null;
        }

        var bytes = (UInt128)(ulong)(columns / BlockElements) * (uint)BlockBytes;
        foreach (var size in outer)
        {
            bytes = bytes <= long.MaxValue ? bytes * (ulong)size : bytes;
        }

        return bytes <= long.MaxValue ? (long)bytes : null;
    }
}
