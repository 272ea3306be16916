using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace MiniMaxSharp.Kernels;

/// <summary>One parallel region: independent items that any thread may execute in any order.</summary>
internal interface IParallelWork
{
    /// <summary>Executes items [start, end); <paramref name="worker"/> names the thread, 0 … Threads − 1, for scratch.</summary>
    void Execute(int start, int end, int worker);
}

/// <summary>
/// The fork/join threads of one engine. Items are handed out dynamically; a worker that is late finds the region closed,
/// so a sleeping thread never delays the caller. Threads spin shortly for the next region, then sleep.
/// </summary>
/// <remarks>One region at a time: the pool belongs to one engine and its calling thread. A region allocates nothing.</remarks>
public sealed unsafe class ComputePool : IDisposable
{
    private const long Open = 1L << 31;
    private const long ActiveMask = Open - 1;
    private const int SpinsBeforeSleep = 4000;

    private readonly Thread[] threads;
    private readonly AlignedBuffer<float>?[] scratch;
    private AlignedBuffer<float>? sharedScratch;
    private readonly SemaphoreSlim wakeUp = new(0);
    private long state; // region number << 32 | open bit | number of active workers
    private int pinnedThreads;
    private int startedThreads;
    private int sleeping;
    private int nextItem;
    private int itemCount;
    private int grain;
    private void* work;
    private delegate*<void*, int, int, int, void> execute;
    private ExceptionDispatchInfo? failure;
    private volatile bool stopping;

    /// <summary>Starts a pool.</summary>
    /// <param name="threads">Counts the calling thread; 0 means one per CPU.</param>
    /// <param name="pin">
    /// True: thread i stays on the i-th CPU that the process may use, as long as there is one. The calling thread is not the pool's and stays free.
    /// </param>
    public ComputePool(int threads = 0, bool pin = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        scratch = new AlignedBuffer<float>[Threads];
        this.threads = new Thread[Threads - 1];
        var cpus = pin ? ThreadPinning.AllowedCpus() : [];
        for (var i = 0; i < this.threads.Length; i++)
        {
            var worker = i + 1;
            var cpu = worker < cpus.Length ? cpus[worker] : -1;
            this.threads[i] = new Thread(() => WorkLoop(worker, cpu)) { IsBackground = true, Name = $"compute {worker}" };
            this.threads[i].Start();
        }

        if (pin)
        {
            SpinWait.SpinUntil(() => Volatile.Read(ref startedThreads) == this.threads.Length);
        }
    }

    /// <summary>Number of threads, the calling one included.</summary>
    public int Threads { get; }

    /// <summary>Threads that stay on one CPU; 0 where the system cannot pin.</summary>
    public int PinnedThreads => pinnedThreads;

    /// <summary>Int8 inputs of the products of one region; they keep their memory for the next one.</summary>
    internal QuantizedInputs Inputs { get; } = new();

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        if (stopping)
        {
            return;
        }

        stopping = true;
        Interlocked.MemoryBarrier();
        wakeUp.Release(Threads);
        foreach (var thread in threads)
        {
            thread.Join();
        }

        foreach (var buffer in scratch)
        {
            buffer?.Dispose();
        }

        sharedScratch?.Dispose();
        Inputs.Dispose();
        wakeUp.Dispose();
    }

    /// <summary>Executes items [0, count) of <paramref name="region"/> on all threads, at least <paramref name="grain"/> at a time, and returns when all are done.</summary>
    internal void For<TWork>(int count, int grain, ref TWork region)
        where TWork : struct, IParallelWork
    {
        if (threads.Length == 0 || count <= grain)
        {
            if (count > 0)
            {
                region.Execute(0, count, worker: 0);
            }

            return;
        }

        work = Unsafe.AsPointer(ref region); // The caller's frame holds the region until all workers have left it.
        execute = &Execute<TWork>;
        itemCount = count;
        this.grain = grain;
        nextItem = 0;
        failure = null;
        var number = (Volatile.Read(ref state) >> 32) + 1;
        Interlocked.Exchange(ref state, (number << 32) | Open);
        var asleep = Volatile.Read(ref sleeping);
        if (asleep > 0)
        {
            wakeUp.Release(asleep);
        }

        TakeItems(worker: 0);
        Interlocked.And(ref state, ~Open);
        var spinner = default(SpinWait);
        while ((Volatile.Read(ref state) & ActiveMask) != 0)
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }

        failure?.Throw();
    }

    /// <summary>Scratch of at least <paramref name="length"/> floats for one worker; it keeps its content only within a work item.</summary>
    internal float* Scratch(int worker, int length)
    {
        ref var buffer = ref scratch[worker];
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            buffer = new AlignedBuffer<float>(length);
        }

#if DEBUG
        buffer.Span.Fill(float.NaN);
#endif
        return buffer.Pointer;
    }

    /// <summary>Scratch of at least <paramref name="length"/> floats that the items of the next region share; it grows by doubling.</summary>
    internal float* SharedScratch(int length)
    {
        if (sharedScratch is null || sharedScratch.Length < length)
        {
            sharedScratch?.Dispose();
            sharedScratch = new AlignedBuffer<float>((int)BitOperations.RoundUpToPowerOf2((uint)length));
        }

#if DEBUG
        sharedScratch.Span.Fill(float.NaN);
#endif
        return sharedScratch.Pointer;
    }

    private static void Execute<TWork>(void* region, int start, int end, int worker)
        where TWork : struct, IParallelWork => Unsafe.AsRef<TWork>(region).Execute(start, end, worker);

    private void TakeItems(int worker)
    {
        try
        {
            for (var start = Interlocked.Add(ref nextItem, grain) - grain; start < itemCount; start = Interlocked.Add(ref nextItem, grain) - grain)
            {
                execute(work, start, Math.Min(start + grain, itemCount), worker);
            }
        }
        catch (Exception exception)
        {
            failure = ExceptionDispatchInfo.Capture(exception);
            Volatile.Write(ref nextItem, itemCount);
        }
    }

    private void WorkLoop(int worker, int cpu)
    {
        if (cpu >= 0 && ThreadPinning.TryPin(cpu))
        {
            Interlocked.Increment(ref pinnedThreads);
        }

        Interlocked.Increment(ref startedThreads);
        long lastRegion = 0;
        var spins = 0;
        while (!stopping)
        {
            var seen = Volatile.Read(ref state);
            if ((seen & Open) != 0 && seen >> 32 != lastRegion)
            {
                if (Interlocked.CompareExchange(ref state, seen + 1, seen) == seen)
                {
                    lastRegion = seen >> 32;
                    TakeItems(worker);
                    Interlocked.Decrement(ref state);
                    spins = 0;
                }
            }
            else if (++spins < SpinsBeforeSleep)
            {
                Thread.SpinWait(1);
            }
            else
            {
                Sleep(lastRegion);
                spins = 0;
            }
        }
    }

    private void Sleep(long lastRegion)
    {
        Interlocked.Increment(ref sleeping); // A full fence: the caller sees this, or this thread sees the new region.
        var seen = Volatile.Read(ref state);
        if (!stopping && ((seen & Open) == 0 || seen >> 32 == lastRegion))
        {
            wakeUp.Wait();
        }

        Interlocked.Decrement(ref sleeping);
    }
}
