using System.Diagnostics;
using System.Globalization;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Benchmarks;

/// <summary>Prefill and decode speed of a checkpoint, with open time and peak memory, as a Markdown table.</summary>
internal static class ModelBenchmark
{
    private const int Repetitions = 5;

    public static void Run(string folder, int threads, int promptTokens, int decodeTokens)
    {
        var clock = Stopwatch.StartNew();
        using var loaded = LoadedModel.Open(folder, new ModelOptions { Threads = threads });
        var open = clock.Elapsed;
        var model = loaded.Model;
        var prompt = Enumerable.Range(0, promptTokens).Select(i => (i * 7919) % model.Config.VocabSize).ToArray();
        var (prefill, decode) = (new List<double>(), new List<double>());
        for (var repetition = 0; repetition <= Repetitions; repetition++)
        {
            using var state = model.CreateState();
            clock.Restart();
            for (var start = 0; start < prompt.Length; start += model.MaxStepTokens)
            {
                model.Forward([new SequenceChunk(state, prompt.AsMemory(start, Math.Min(model.MaxStepTokens, prompt.Length - start)))]);
            }

            model.Logits((prompt.Length - 1) % model.MaxStepTokens);
            prefill.Add(promptTokens / clock.Elapsed.TotalSeconds);
            clock.Restart();
            for (var i = 0; i < decodeTokens; i++)
            {
                model.Forward([new SequenceChunk(state, prompt.AsMemory(i % prompt.Length, 1))]);
                model.Logits(0);
            }

            decode.Add(decodeTokens / clock.Elapsed.TotalSeconds);
        }

        prefill.RemoveAt(0); // the first repetition touches the file and compiles
        decode.RemoveAt(0);
        Console.WriteLine($"| model | threads | path | open ms | prefill {promptTokens} t/s (min, median, max) | decode {decodeTokens} t/s (min, median, max) | peak GB |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))} | {(threads == 0 ? Environment.ProcessorCount : threads)} | {Isa.Path} | {open.TotalMilliseconds:F0} | {Spread(prefill)} | {Spread(decode)} | {Process.GetCurrentProcess().PeakWorkingSet64 / 1e9:F2} |"));
    }

    private static string Spread(List<double> rates)
    {
        rates.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"{rates[0]:F2}, **{rates[rates.Count / 2]:F2}**, {rates[^1]:F2}");
    }
}
