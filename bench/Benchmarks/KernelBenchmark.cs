using System.Diagnostics;
using System.Globalization;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Benchmarks;

/// <summary>Speed of single kernels, as a Markdown table: median of repeated calls after a warm-up.</summary>
internal static class KernelBenchmark
{
    private const int Repetitions = 15;

    public static void Run(int threads)
    {
        using var pool = new ComputePool(threads);
        Console.WriteLine($"{pool.Threads} threads, path {Isa.Path}, .NET {Environment.Version}");
        Console.WriteLine("| kernel | shape | ms (min, median, max) | GFLOP/s | GB/s |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var type in new[] { DType.F32, DType.BF16 })
        {
            MatMulRow(type, tokens: 1, rows: 65536, columns: 4096, pool);
            MatMulRow(type, tokens: 8, rows: 16384, columns: 4096, pool);
            MatMulRow(type, tokens: 32, rows: 1536, columns: 1536, pool);
            MatMulRow(type, tokens: 512, rows: 4096, columns: 4096, pool);
        }

        foreach (var type in new[] { DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K })
        {
            PackedRow(type, tokens: 1, rows: 65536, columns: 4096, pool);
            PackedRow(type, tokens: 8, rows: 16384, columns: 4096, pool);
            PackedRow(type, tokens: 32, rows: 1536, columns: 1536, pool);
            PackedRow(type, tokens: 512, rows: 4096, columns: 4096, pool);
        }

        LightningRow(tokens: 1, pool);
        LightningRow(tokens: 512, pool);
        foreach (var type in Enum.GetValues<KeyValueType>())
        {
            AttentionRow(type, tokens: 1, length: 32768, heads: 16, keyValueHeads: 2, pool);
            AttentionRow(type, tokens: 1, length: 16384, heads: 64, keyValueHeads: 8, pool);
            AttentionRow(type, tokens: 512, length: 4096, heads: 64, keyValueHeads: 8, pool);
        }
    }

    private static void MatMulRow(DType type, int tokens, int rows, int columns, ComputePool pool)
    {
        using var single = new AlignedBuffer<float>(type == DType.F32 ? rows * columns : 0);
        using var half = new AlignedBuffer<ushort>(type == DType.F32 ? 0 : rows * columns);
        single.Span.Fill(0.01f);
        half.Span.Fill(0x3C23);
        using var x = Filled(tokens * columns);
        using var y = new AlignedBuffer<float>(tokens * rows);
        var job = new MatMulJob(type == DType.F32 ? Weight.From(single, rows, columns) : Weight.From(half, type, rows, columns), x, 0, y, 0, tokens);
        Row($"matmul {type}", $"T={tokens} N={rows} K={columns}", () => MatMul.Multiply(job, pool), 2.0 * tokens * rows * columns, (double)rows * columns * type.ByteSize());
    }

    private static void PackedRow(DType type, int tokens, int rows, int columns, ComputePool pool)
    {
        using var blocks = new AlignedBuffer<byte>(checked((int)(rows * type.RowBytes(columns))));
        using (var row = Filled(columns))
        {
            var first = blocks.Span[..(int)type.RowBytes(columns)];
            Quantizer.Quantize(type, row.Span, [], first);
            for (var n = 1; n < rows; n++)
            {
                first.CopyTo(blocks.Span[(n * first.Length)..]);
            }
        }

        var source = Weight.From(blocks, type, rows, columns);
        using var panels = new PanelMemory(source.PackedBytes);
        var started = Stopwatch.GetTimestamp();
        var weight = source.Pack(pool, panels);
        var packing = Stopwatch.GetElapsedTime(started).TotalSeconds;
        using var x = Filled(tokens * columns);
        using var y = new AlignedBuffer<float>(tokens * rows);
        var job = new MatMulJob(weight, x, 0, y, 0, tokens);
        var shape = string.Create(CultureInfo.InvariantCulture, $"T={tokens} N={rows} K={columns} (packed at {weight.ByteCount / packing / 1e9:F1} GB/s)");
        Row($"matmul {type}", shape, () => MatMul.Multiply(job, pool), 2.0 * tokens * rows * columns, weight.ByteCount);
    }

    private static void LightningRow(int tokens, ComputePool pool)
    {
        const int heads = 64, headDim = 128;
        using var qkv = Filled(tokens * heads * 3 * headDim);
        using var output = new AlignedBuffer<float>(tokens * heads * headDim);
        using var state = new AlignedBuffer<float>(LightningAttention.StateLength(heads, headDim));
        var slopes = Enumerable.Range(1, heads).Select(h => MathF.Pow(2, -h / 8f)).ToArray();
        double block = Math.Min(tokens, LightningAttention.BlockTokens);
        var flops = (double)tokens * heads * ((4 * headDim * headDim) + (2 * headDim * (block + 1)));
        Row(
            "lightning attention",
            $"T={tokens} A={heads} D={headDim}",
            () => LightningAttention.Forward([new LightningSlice(state, 0, tokens, 0)], qkv, slopes, headDim, output, pool),
            tokens == 1 ? 5.0 * heads * headDim * headDim : flops,
            2.0 * state.Length * sizeof(float));
    }

    private static void AttentionRow(KeyValueType type, int tokens, int length, int heads, int keyValueHeads, ComputePool pool)
    {
        const int headDim = 128;
        using var q = Filled(tokens * heads * headDim);
        using var kv = Filled(length * keyValueHeads * headDim);
        using var output = new AlignedBuffer<float>(tokens * heads * headDim);
        using var pages = new KeyValuePages(keyValueHeads, headDim, type);
        pages.Append(kv, kv, 0, length);
        Row(
            $"softmax attention {type}",
            $"T={tokens} of {length} A={heads} KV={keyValueHeads} D={headDim}",
            () => SoftmaxAttention.Forward([new AttentionSlice(pages, 0, tokens)], q, heads, keyValueHeads, headDim, output, pool),
            4.0 * heads * headDim * tokens * (length - (tokens / 2.0)),
            length * type.BytesPerToken(keyValueHeads, headDim));
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

    private static void Row(string kernel, string shape, Action call, double flops, double bytes)
    {
        var seconds = new List<double>();
        for (var repetition = 0; repetition <= Repetitions; repetition++)
        {
            var started = Stopwatch.GetTimestamp();
            call();
            seconds.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        seconds.RemoveAt(0);
        seconds.Sort();
        var median = seconds[Repetitions / 2];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {kernel} | {shape} | {seconds[0] * 1e3:F2}, **{median * 1e3:F2}**, {seconds[^1] * 1e3:F2} | {flops / median / 1e9:F1} | {bytes / median / 1e9:F1} |"));
    }
}
