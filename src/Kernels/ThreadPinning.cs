using System.Runtime.InteropServices;

namespace MiniMaxSharp.Kernels;

/// <summary>Keeps a thread on one CPU (Linux only; elsewhere nothing happens).</summary>
internal static unsafe partial class ThreadPinning
{
    private const int MaskWords = 128; // CPUs 0 … 8191
    private const int BitsPerWord = 64;

    /// <summary>CPUs that this thread may use now, in order; empty where the system cannot say.</summary>
    public static int[] AllowedCpus()
    {
        if (!OperatingSystem.IsLinux())
        {
            return [];
        }

        var mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        var cpus = new List<int>();
        for (var cpu = GetAffinity(0, MaskWords * sizeof(ulong), mask) == 0 ? 0 : MaskWords * BitsPerWord; cpu < MaskWords * BitsPerWord; cpu++)
        {
            if ((mask[cpu / BitsPerWord] >> (cpu % BitsPerWord) & 1) != 0)
            {
                cpus.Add(cpu);
            }
        }

        return [.. cpus];
    }

    /// <summary>Pins the calling thread; false when the system refuses.</summary>
    public static bool TryPin(int cpu)
    {
        if (!OperatingSystem.IsLinux() || cpu >= MaskWords * BitsPerWord)
        {
            return false;
        }

        var mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        mask[cpu / BitsPerWord] = 1UL << (cpu % BitsPerWord);
        return SetAffinity(0, MaskWords * sizeof(ulong), mask) == 0;
    }

    // Thread 0 is the calling one.
    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);
}
