using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>f32 values in memory that the garbage collector does not move; the owner keeps it alive while a kernel runs.</summary>
public readonly unsafe struct NativeFloats
{
    private NativeFloats(float* data, int length)
    {
        Data = data;
        Length = length;
    }

    /// <summary>Number of values.</summary>
    public int Length { get; }

    internal float* Data { get; }

    /// <summary>Takes the place of a span over native memory.</summary>
    public static NativeFloats From(Span<float> values) => new((float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(values)), values.Length);
}
