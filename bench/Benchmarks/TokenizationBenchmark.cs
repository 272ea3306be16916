using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using Tokenizer = MiniMaxSharp.Inference.Tokenizer;

namespace MiniMaxSharp.Benchmarks;

/// <summary>
/// Speed of encoding on one thread, beside the TiktokenTokenizer of Microsoft.ML.Tokenizers with the same vocabulary and pattern, as a Markdown table:
/// median of repeated calls on the same text after a warm-up. The peer keeps its cache of words between the calls; ours has none.
/// </summary>
internal static class TokenizationBenchmark
{
    private const int Repetitions = 11;

    private const string Pattern =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?" +
        @"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?" +
        @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Measures the tokenizer of a folder on text files.</summary>
    public static void Run(string folder, string[] files)
    {
        var watch = Stopwatch.StartNew();
        var tokenizer = Tokenizer.Load(folder);
        var load = watch.Elapsed.TotalMilliseconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tokenizer.VocabularySize} ids, first load {load:F0} ms, then {Median(() => Tokenizer.Load(folder)):F0} ms, .NET {Environment.Version}"));
        Console.WriteLine("| text | MB | tokens | tokenizer | ms (median) | MB/s |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var vocabulary = TiktokenVocabulary(tokenizer);
        foreach (var file in files)
        {
            var text = File.ReadAllText(file).Normalize(NormalizationForm.FormC);
            var output = new List<int>();
            Row(file, text, "MiniMaxSharp", () => Encode(tokenizer, text, output));
            var pieces = new RegexPreTokenizer(new Regex(Pattern, RegexOptions.Compiled), null);
            var peer = TiktokenTokenizer.Create(new MemoryStream(vocabulary), pieces, normalizer: null);
            Row(file, text, "Microsoft.ML.Tokenizers", () => peer.EncodeToIds(text).Count);
            Check(output, peer.EncodeToIds(text));
        }
    }

    private static int Encode(Tokenizer tokenizer, string text, List<int> output)
    {
        output.Clear();
        tokenizer.Encode(text, output);
        return output.Count;
    }

    private static void Row(string file, string text, string name, Func<int> encode)
    {
        var tokens = encode();
        var milliseconds = Median(() => encode());
        var megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(file)} | {megabytes:F2} | {tokens} | {name} | {milliseconds:F1} | {megabytes / milliseconds * 1000:F1} |"));
    }

    /// <summary>Letters beyond U+FFFF are outside .NET's Regex, so a text with them may differ; that is said, not hidden.</summary>
    private static void Check(List<int> ours, IReadOnlyList<int> theirs)
    {
        if (!ours.SequenceEqual(theirs))
        {
            Console.WriteLine($"The two give different ids: {ours.Count} and {theirs.Count} tokens.");
        }
    }

    private static double Median(Action action)
    {
        var times = new double[Repetitions];
        for (var i = -2; i < times.Length; i++)
        {
            var watch = Stopwatch.StartNew();
            action();
            times[Math.Max(i, 0)] = watch.Elapsed.TotalMilliseconds;
        }

        Array.Sort(times);
        return times[times.Length / 2];
    }

    /// <summary>The format of tiktoken: base64 of the bytes, a space, the id.</summary>
    private static byte[] TiktokenVocabulary(Tokenizer tokenizer)
    {
        var lines = new StringBuilder();
        for (var id = 0; id < tokenizer.VocabularySize && !tokenizer.IsSpecial(id); id++)
        {
            lines.Append(Convert.ToBase64String(tokenizer.TokenBytes(id))).Append(' ').Append(id).Append('\n');
        }

        return Encoding.UTF8.GetBytes(lines.ToString());
    }
}
