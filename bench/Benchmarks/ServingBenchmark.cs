using System.Diagnostics;
using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Benchmarks;

/// <summary>
/// The engine under load, without HTTP: generated tokens a second with 1 and 8 clients, and time to the first token where a prefix is cached.
/// Cold and warm runs, and batches of 1 and 8, take turns; the table has medians and, for pairs, the ratio.
/// </summary>
internal static class ServingBenchmark
{
    private const int PromptTokens = 128;
    private const int AnswerTokens = 64;

    /// <summary>Measures a model folder or GGUF file with a tokenizer.</summary>
    public static void Run(string model, int rounds, int threads)
    {
        using (var engine = Open(model, PrefixCacheMode.Off, threads))
        {
            Load(engine, rounds);
        }

        Console.WriteLine();
        Console.WriteLine("| prompt | mode | cached tokens | cold TTFT ms | warm TTFT ms | warm / cold | the same in CPU time |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var mode in new[] { PrefixCacheMode.Exact, PrefixCacheMode.Fast })
        {
            using var engine = Open(model, mode, threads);
            Reuse(engine, mode, rounds);
        }
    }

    private static void Load(InferenceEngine engine, int rounds)
    {
        int[] counts = [1, 4, 8, 16];
        var rates = counts.ToDictionary(count => count, _ => new List<Rates>());
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var clients in counts)
            {
                var rate = Load(engine, clients, round);
                if (round > 0)
                {
                    rates[clients].Add(rate);
                }
            }
        }

        Console.WriteLine("| clients | generated t/s | times one client | the same in CPU time | decode only t/s | times one client | the same in CPU time |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var (clients, list) in rates)
        {
            var pairs = list.Zip(rates[1]).ToArray();
            Console.WriteLine(Text(
                $"| {clients} | {Median(list.Select(r => r.All)):F1} | {Median(pairs.Select(p => p.First.All / p.Second.All)):F2} | {Median(pairs.Select(p => p.First.AllCpu / p.Second.AllCpu)):F2} | {Median(list.Select(r => r.Decode)):F1} | {Median(pairs.Select(p => p.First.Decode / p.Second.Decode)):F2} | {Median(pairs.Select(p => p.First.DecodeCpu / p.Second.DecodeCpu)):F2} |"));
        }
    }

    private static InferenceEngine Open(string model, PrefixCacheMode mode, int threads) =>
        InferenceEngine.Open(model, new ModelOptions { Threads = threads }, new EngineOptions { ManualSteps = true, CacheMode = mode });

    /// <summary>A closed load, all clients at once: generated tokens a second with the prefill, and from when all decode.</summary>
    private static Rates Load(InferenceEngine engine, int clients, int round)
    {
        var (clock, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var running = Enumerable.Range(0, clients).Select(client => engine.Submit(Request(Tokens(PromptTokens, (round * 100) + client), AnswerTokens))).ToArray();
        while (running.Any(request => request.CompletionTokens == 0))
        {
            engine.Step();
        }

        var (before, prefill, prefillCpu) = (running.Sum(request => request.CompletionTokens), clock.Elapsed, Environment.CpuUsage.TotalTime - cpu);
        while (engine.Step())
        {
        }

        var (tokens, all, allCpu) = (running.Sum(request => request.CompletionTokens), clock.Elapsed, Environment.CpuUsage.TotalTime - cpu);
        return new Rates(
            tokens / all.TotalSeconds,
            tokens / allCpu.TotalSeconds,
            (tokens - before) / (all - prefill).TotalSeconds,
            (tokens - before) / (allCpu - prefillCpu).TotalSeconds);
    }

    private static void Reuse(InferenceEngine engine, PrefixCacheMode mode, int rounds)
    {
        Row("1,200 tokens and an appended turn of 60", 1200, prompt => [.. prompt, .. Tokens(60, -1)]);
        Row("branch at 600 of 1,200", 1200, prompt => [.. prompt[..600], .. Tokens(600, -1)]);
        Row("the same 1,200 again", 1200, prompt => prompt);
        Row("700 shared with another conversation of 1,200", 1200, prompt => [.. prompt[..700], .. Tokens(500, -1)]);
        Row("second turn of 4,096: answer of 32, question of 32", 4096, prompt => prompt, answer: 32, question: 32);

        void Row(string name, int length, Func<int[], int[]> next, int answer = 1, int question = 0)
        {
            var (cold, warm, ratios, cpuRatios, cached) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), 0);
            for (var round = 0; round <= rounds; round++)
            {
                engine.ClearPrefixCache();
                FirstToken(engine, Tokens(512, -2), 1); // Wakes the threads.
                var prompt = Tokens(length, round);
                var first = FirstToken(engine, prompt, answer);
                var second = FirstToken(engine, [.. next(prompt), .. question > 0 ? first.Ids : [], .. Tokens(question, -3)], 1);
                cached = second.Cached;
                if (round > 0)
                {
                    cold.Add(first.Milliseconds);
                    warm.Add(second.Milliseconds);
                    ratios.Add(second.Milliseconds / first.Milliseconds);
                    cpuRatios.Add(second.Cpu / first.Cpu);
                }
            }

            Console.WriteLine(Text($"| {name} | {mode} | {cached} | {Median(cold):F1} | {Median(warm):F1} | {Median(ratios):P1} | {Median(cpuRatios):P1} |"));
        }
    }

    private static (double Milliseconds, double Cpu, int Cached, int[] Ids) FirstToken(InferenceEngine engine, int[] prompt, int tokens)
    {
        var (clock, cpu) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var running = engine.Submit(Request(prompt, tokens));
        while (running.CompletionTokens == 0)
        {
            engine.Step();
        }

        var (time, cpuTime) = (clock.Elapsed.TotalMilliseconds, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        while (engine.Step())
        {
        }

        return (time, cpuTime, running.CachedTokens, [.. running.Events().ToBlockingEnumerable().Where(item => item.Token.Id >= 0).Select(item => item.Token.Id)]);
    }

    private static GenerationRequest Request(int[] prompt, int tokens) =>
        new() { Prompt = prompt, Sampling = new SamplingParams { MaxTokens = tokens, IgnoreEos = true, Seed = 1 } };

    private static int[] Tokens(int count, int seed) =>
        [.. Enumerable.Range(1, count).Select(i => (int)(((uint)i * 2654435761u * (uint)((2 * seed) + 1)) >> 18))];

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Tokens a second: with the prefill and without, by the clock and by CPU time.</summary>
    private sealed record Rates(double All, double AllCpu, double Decode, double DecodeCpu);
}
