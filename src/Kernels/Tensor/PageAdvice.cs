using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Hints about memory pages to the system (madvise of Linux); elsewhere nothing happens. A refused hint changes no result, so it is not reported.</summary>
internal static unsafe partial class PageAdvice
{
    // Numbers of <sys/mman.h> on Linux.
    private const int WillNeed = 3;
    private const int DontNeed = 4;
    private const int HugePage = 14;

    /// <summary>Bytes of a large page.</summary>
    public const int HugePageBytes = 2 << 20;

    /// <summary>Reads pages of a mapped file in advance.</summary>
    public static void ReadAhead(byte* start, long length) => Advise(start, length, WillNeed);

    /// <summary>Drops pages of a file that is mapped for reading. Never for other memory: it would become zero.</summary>
    public static void Release(byte* start, long length) => Advise(start, length, DontNeed);

    /// <summary>Asks for large pages: fewer faults when it is filled, fewer address look-ups when it is read.</summary>
    public static void PreferHugePages(byte* start, long length) => Advise(start, length, HugePage);

    private static void Advise(byte* start, long length, int advice)
    {
        if (OperatingSystem.IsLinux() && length > 0)
        {
            var first = (nint)start / Environment.SystemPageSize * Environment.SystemPageSize;
            _ = MAdvise((void*)first, (nuint)((nint)start + (nint)length - first), advice);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MAdvise(void* address, nuint length, int advice);
}
