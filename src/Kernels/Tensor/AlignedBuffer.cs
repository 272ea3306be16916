using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Unmanaged memory, aligned to 64 bytes, for activations, states and scratch. Holds more than 2^31 bytes, but at most 2^31 − 1 elements.</summary>
/// <typeparam name="T">Element type without references.</typeparam>
public sealed unsafe class AlignedBuffer<T> : IDisposable
    where T : unmanaged
{
    private const nuint Alignment = 64;

    /// <summary>Allocates <paramref name="length"/> elements, all zero.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory.</exception>
    public AlignedBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        Pointer = Allocate(length);
        NativeMemory.Clear(Pointer, (nuint)length * (nuint)Unsafe.SizeOf<T>());
    }

    /// <summary>Allocates a copy of <paramref name="values"/>.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory.</exception>
    public AlignedBuffer(ReadOnlySpan<T> values)
    {
        Length = values.Length;
        Pointer = Allocate(values.Length);
        values.CopyTo(Span);
    }

    /// <summary>Frees memory that its owner forgot.</summary>
    ~AlignedBuffer() => Free();

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>All elements.</summary>
    public Span<T> Span => new(Pointer, Length);

    internal T* Pointer { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static T* Allocate(int length) => (T*)NativeMemory.AlignedAlloc(Math.Max(Alignment, (nuint)length * (nuint)Unsafe.SizeOf<T>()), Alignment);

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
