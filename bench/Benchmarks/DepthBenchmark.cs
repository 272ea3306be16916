using System.Diagnostics;
using System.Globalization;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Benchmarks;

/// <summary>
/// Cost against depth of the two kinds of attention, with the heads of <c>bench-2b</c>: softmax decode and prefill in each key/value format
/// beside the memory bandwidth of the same moment, and the lightning prefill of up to 64K tokens.
/// </summary>
internal static class DepthBenchmark
{
    private const int Repetitions = 15;
    private const int Heads = 16;
    private const int KeyValueHeads = 2;
    private const int HeadDim = 128;
    private const int StepTokens = 512;

    public static void Run(int threads)
    {
        using var pool = new ComputePool(threads);
        Console.WriteLine($"{pool.Threads} threads, path {Isa.Path}, .NET {Environment.Version}; A={Heads} KV={KeyValueHeads} D={HeadDim}");
        Console.WriteLine("\n| softmax, 1 token | depth | ms (min, median, max) | GB/s | memory read GB/s | share (median of pairs) |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var depth in new[] { 4096, 16384, 32768 })
        {
            Array.ForEach(Enum.GetValues<KeyValueType>(), type => DecodeRow(type, depth, pool));
        }

        Console.WriteLine("\n| softmax, 512 tokens | depth | ms (min, median, max) | GFLOP/s |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var depth in new[] { 512, 16384 })
        {
            Array.ForEach(Enum.GetValues<KeyValueType>(), type => PrefillRow(type, depth, pool));
        }

        LightningRows(pool);
    }

    private static void DecodeRow(KeyValueType type, int depth, ComputePool pool)
    {
        using var pages = Pages(type, depth);
        using var q = Filled(Heads * HeadDim);
        using var output = new AlignedBuffer<float>(q.Length);
        var bytes = depth * type.BytesPerToken(KeyValueHeads, HeadDim);
        var (seconds, shares, bandwidths) = (new List<double>(), new List<double>(), new List<double>());
        for (var repetition = 0; repetition <= Repetitions; repetition++)
        {
            // The pass over half a gigabyte also empties the caches.
            var bandwidth = MemoryBandwidth.Measure(pool, repetitions: 1);
            var time = Time(() => SoftmaxAttention.Forward([new AttentionSlice(pages, 0, 1)], q, Heads, KeyValueHeads, HeadDim, output, pool));
            if (repetition > 0)
            {
                seconds.Add(time);
                bandwidths.Add(bandwidth);
                shares.Add(bytes / time / bandwidth);
            }
        }

        Print($"| {type} | {depth} | {Spread(seconds, 1e3)} | {bytes / Median(seconds) / 1e9:F1} | {Median(bandwidths) / 1e9:F1} | {Median(shares):P0} |");
    }

    private static void PrefillRow(KeyValueType type, int depth, ComputePool pool)
    {
        using var pages = Pages(type, depth);
        using var q = Filled(StepTokens * Heads * HeadDim);
        using var output = new AlignedBuffer<float>(q.Length);
        var seconds = Enumerable.Range(0, 6).Select(_ => Time(() =>
            SoftmaxAttention.Forward([new AttentionSlice(pages, 0, StepTokens)], q, Heads, KeyValueHeads, HeadDim, output, pool))).Skip(1).ToList();
        var flops = 4.0 * Heads * HeadDim * StepTokens * (depth - (StepTokens / 2.0));
        Print($"| {type} | {depth} | {Spread(seconds, 1e3)} | {flops / Median(seconds) / 1e9:F0} |");
    }

    /// <summary>One prefill of 64K tokens in steps of 256, several times; each step counts with its median, so all lengths share the same moments.</summary>
    private static void LightningRows(ComputePool pool)
    {
        const int longest = 65536, step = LightningAttention.BlockTokens, rounds = 9;
        using var qkv = Filled(step * Heads * 3 * HeadDim);
        using var output = new AlignedBuffer<float>(step * Heads * HeadDim);
        var slopes = Enumerable.Range(1, Heads).Select(h => MathF.Pow(2, -h / 2f)).ToArray();
        var seconds = Enumerable.Range(0, longest / step).Select(_ => new List<double>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            using var state = new AlignedBuffer<float>(LightningAttention.StateLength(Heads, HeadDim));
            for (var i = 0; i < seconds.Length; i++)
            {
                var slice = new LightningSlice(state, 0, step, i * step);
                seconds[i].Add(Time(() => LightningAttention.Forward([slice], qkv, slopes, HeadDim, output, pool)));
            }
        }

        Console.WriteLine("\n| lightning prefill, tokens | us a token (median of steps) | us a token (fastest steps) |");
        Console.WriteLine("|---|---|---|");
        for (var tokens = step; tokens <= longest; tokens *= 4)
        {
            var steps = seconds.Take(tokens / step).ToList();
            Print($"| {tokens} | **{steps.Sum(Median) / tokens * 1e6:F2}** | {steps.Sum(static times => times.Min()) / tokens * 1e6:F2} |");
        }
    }

    private static KeyValuePages Pages(KeyValueType type, int depth)
    {
        var pages = new KeyValuePages(KeyValueHeads, HeadDim, type);
        using var rows = Filled(KeyValuePages.PageTokens * KeyValueHeads * HeadDim);
        for (var done = 0; done < depth; done += KeyValuePages.PageTokens)
        {
            pages.Append(rows, rows, 0, Math.Min(KeyValuePages.PageTokens, depth - done));
        }

        return pages;
    }

    private static AlignedBuffer<float> Filled(int length)
    {
        var buffer = new AlignedBuffer<float>(length);
        for (var i = 0; i < length; i++)
        {
            buffer.Span[i] = MathF.Sin(i);
        }

        return buffer;
    }

    private static double Time(Action action)
    {
        var started = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Spread(List<double> seconds, double unit) => string.Create(
        CultureInfo.InvariantCulture, $"{seconds.Min() * unit:F2}, **{Median(seconds) * unit:F2}**, {seconds.Max() * unit:F2}");

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
