namespace MiniMaxSharp.Inference;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dimensions">Sizes as the file has them, innermost first: a linear layer is [in, out].</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="ByteCount">Bytes of the data.</param>
public sealed record GgufTensor(string Name, GgmlType Type, long[] Dimensions, long Offset, long ByteCount)
{
    /// <summary>Sizes outermost first, as everywhere else: a linear layer is [out, in].</summary>
    public long[] Shape { get; } = [.. Dimensions.Reverse()];
}
