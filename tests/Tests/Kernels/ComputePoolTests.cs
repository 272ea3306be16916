using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

[Collection(IsaCollection.Name)]
public class ComputePoolTests
{
    [Fact]
    public void Idle_threads_use_no_cpu_time()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the CPU time of a thread is read from /proc");
        using var pool = new ComputePool(3);
        var work = new Count(new int[64]);
        pool.For(64, grain: 1, ref work);
        Thread.Sleep(100); // longer than the spin phase
        var before = ComputeNanoseconds();
        Thread.Sleep(300);
        Assert.InRange(ComputeNanoseconds() - before, 0, 5_000_000);

        static long ComputeNanoseconds() => Directory.GetDirectories("/proc/self/task")
            .Where(task => File.ReadAllText(Path.Combine(task, "comm")).StartsWith("compute", StringComparison.Ordinal))
            .Sum(task => long.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_pinned_pool_computes_and_says_how_many_threads_stay_on_a_cpu()
    {
        using var pool = new ComputePool(2, pin: true);
        Assert.Equal(OperatingSystem.IsLinux() && Environment.ProcessorCount > 1 ? 1 : 0, pool.PinnedThreads);
        var counts = new int[100];
        var work = new Count(counts);
        pool.For(counts.Length, grain: 1, ref work);
        Assert.All(counts, count => Assert.Equal(1, count));
        using var free = new ComputePool(2);
        Assert.Equal(0, free.PinnedThreads);
    }


    [Fact]
    public void Every_item_runs_exactly_once_in_many_regions()
    {
        using var pool = new ComputePool(4);
        var counts = new int[1000];
        for (var region = 0; region < 2000; region++)
        {
            var work = new Count(counts);
            pool.For(counts.Length, grain: 7, ref work);
        }

        Assert.All(counts, count => Assert.Equal(2000, count));
    }

    [Fact]
    public void Sleeping_workers_do_not_lose_or_delay_a_region()
    {
        using var pool = new ComputePool(3);
        var counts = new int[8];
        for (var region = 0; region < 20; region++)
        {
            var work = new Count(counts);
            pool.For(counts.Length, grain: 1, ref work);
            Thread.Sleep(2); // longer than the spin phase
        }

        Assert.All(counts, count => Assert.Equal(20, count));
    }

    [Fact]
    public void An_exception_in_a_worker_reaches_the_caller_and_the_pool_goes_on()
    {
        using var pool = new ComputePool(3);
        var failing = default(Fail);
        Assert.Throws<InvalidOperationException>(() =>
        {
            var work = failing;
            pool.For(100, grain: 1, ref work);
        });
        var counts = new int[50];
        var next = new Count(counts);
        pool.For(counts.Length, grain: 1, ref next);
        Assert.All(counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void A_region_allocates_nothing()
    {
        using var pool = new ComputePool(2);
        var work = new Count(new int[64]);
        pool.For(64, grain: 1, ref work);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            pool.For(64, grain: 1, ref work);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private readonly struct Count(int[] counts) : IParallelWork
    {
        public void Execute(int start, int end, int worker)
        {
            for (var i = start; i < end; i++)
            {
                Interlocked.Increment(ref counts[i]);
            }
        }
    }

    private readonly struct Fail : IParallelWork
    {
        public void Execute(int start, int end, int worker) => throw new InvalidOperationException("expected");
    }
}
