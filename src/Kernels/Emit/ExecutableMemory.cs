using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>
/// Puts finished machine code into memory that may be executed. A page is writable while it is filled and executable afterwards, never both;
/// it lives as long as the process.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    /// <summary>The address of <paramref name="code"/> in executable memory, or null where the system refuses it.</summary>
    public static byte* Place(ReadOnlySpan<byte> code)
    {
        try
        {
            return OperatingSystem.IsWindows() ? PlaceOnWindows(code) : PlaceOnUnix(code);
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    private static byte* PlaceOnUnix(ReadOnlySpan<byte> code)
    {
        const int read = 1, write = 2, execute = 4, isPrivate = 2;
        var anonymous = OperatingSystem.IsLinux() ? 0x20 : 0x1000;
        var memory = MemoryMap(null, (nuint)code.Length, read | write, isPrivate | anonymous, -1, 0);
        if (memory == (void*)-1)
        {
            return null;
        }

        code.CopyTo(new Span<byte>(memory, code.Length));
        if (MemoryProtect(memory, (nuint)code.Length, read | execute) == 0)
        {
            return (byte*)memory;
        }

        _ = MemoryUnmap(memory, (nuint)code.Length);
        return null;
    }

    private static byte* PlaceOnWindows(ReadOnlySpan<byte> code)
    {
        const uint reserveAndCommit = 0x3000, release = 0x8000, readWrite = 0x04, executeRead = 0x20;
        var memory = VirtualAlloc(null, (nuint)code.Length, reserveAndCommit, readWrite);
        if (memory == null)
        {
            return null;
        }

        code.CopyTo(new Span<byte>(memory, code.Length));
        if (VirtualProtect(memory, (nuint)code.Length, executeRead, out _) != 0)
        {
            return (byte*)memory;
        }

        _ = VirtualFree(memory, 0, release);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* MemoryMap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int MemoryProtect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int MemoryUnmap(void* address, nuint length);

    [LibraryImport("kernel32")]
    private static partial void* VirtualAlloc(void* address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(void* address, nuint size, uint protection, out uint previous);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(void* address, nuint size, uint type);
}
