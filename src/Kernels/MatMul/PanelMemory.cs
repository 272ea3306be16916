using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Memory of packed matrices: few large blocks, so that the system can use large pages. Not cleared: packing writes every byte.</summary>
public sealed unsafe class PanelMemory : IDisposable
{
    private const long LargestBlock = 1L << 30;

    private readonly List<nint> blocks = [];
    private long expected;
    private byte* next;
    private long left;

    /// <summary>Memory for matrices of <paramref name="expectedBytes"/> together (<see cref="Weight.PackedBytes"/>); more can be taken.</summary>
    public PanelMemory(long expectedBytes) => expected = expectedBytes;

    /// <summary>Frees memory that its owner forgot.</summary>
    ~PanelMemory() => Free();

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    internal static long Align(long bytes) => (bytes + 63) / 64 * 64;

    /// <summary>The next <paramref name="bytes"/> bytes, aligned to 64.</summary>
    internal byte* Take(long bytes)
    {
        bytes = Align(bytes);
        if (bytes > left)
        {
            left = Math.Max(bytes, Math.Min(expected, LargestBlock));
            var alignment = (nuint)(left >= PageAdvice.HugePageBytes ? PageAdvice.HugePageBytes : 64);
            next = (byte*)NativeMemory.AlignedAlloc((nuint)left, alignment);
            blocks.Add((nint)next);
            if (left >= PageAdvice.HugePageBytes)
            {
                PageAdvice.PreferHugePages(next, left);
            }
        }

        var start = next;
        next += bytes;
        left -= bytes;
        expected -= bytes;
        return start;
    }

    private void Free()
    {
        blocks.ForEach(static block => NativeMemory.AlignedFree((void*)block));
        blocks.Clear();
        left = 0;
    }
}
