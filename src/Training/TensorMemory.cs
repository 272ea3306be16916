using System.Runtime.InteropServices;
using MiniMaxSharp.Kernels;
using TorchSharp;

namespace MiniMaxSharp.Training;

/// <summary>The memory of f32 tensors as kernels take it.</summary>
internal static class TensorMemory
{
    /// <summary>The values of a contiguous f32 tensor, in place. At most 2 GiB.</summary>
    public static Span<float> Values(this torch.Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    /// <summary>The values of several.</summary>
    public static NativeFloats[] Natives(this IEnumerable<torch.Tensor> tensors) => [.. tensors.Select(tensor => NativeFloats.From(tensor.Values()))];

    /// <summary>A copy of <paramref name="values"/> as a tensor of this shape.</summary>
    public static torch.Tensor ToTensor(this float[] values, params long[] shape) => torch.tensor(values, shape);
}
