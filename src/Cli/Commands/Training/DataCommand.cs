using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax data</c>: what training texts hold, and the work on them before a run.</summary>
internal static class DataCommand
{
    private const string Help = """
        Looks at training texts and cleans them. Files are JSON lines or Parquet, with a field "text" or "messages".

        Examples:
          minimax data stats corpus.jsonl --tokenizer models/random-tiny
          minimax data dedup corpus.jsonl --out unique.jsonl
          minimax data decontaminate unique.jsonl --against test.jsonl --out clean.jsonl
          minimax data tokenizer clean.jsonl --vocab-size 8192 --out my-model
        """;

    private static readonly JsonSerializerOptions readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions oneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Option<string?> field = new("--field") { Description = "Field with the text.", Recursive = true };

    /// <summary>The command.</summary>
    public static Command Create() => new("data", Help) { field, Stats(), Dedup(), Decontaminate(), TrainTokenizer() };

    private static Argument<string[]> Files() => new("FILES") { Description = "JSON lines (.jsonl) or .parquet.", Arity = ArgumentArity.OneOrMore };

    private static Option<string> Out(string description) => new("--out") { Description = description, Required = true };

    private static Command Stats()
    {
        var files = Files();
        var tokenizer = new Option<string?>("--tokenizer") { Description = "Model folder whose tokens are counted." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("stats", "Number and length of the texts.") { files, tokenizer, json };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var tokens = parsed.GetValue(tokenizer) is { } folder ? Tokenizer.Load(folder) : null;
                var statistics = new TextStatistics(tokens);
                ForEach(parsed, parsed.GetRequiredValue(files), (_, text) => statistics.Add(text), cancellationToken);
                var output = parsed.InvocationConfiguration.Output;
                output.WriteLine(parsed.GetValue(json) ? statistics.ToJson().ToJsonString(readable) : statistics.ToString());
            },
            cancellationToken));
        return command;
    }

    private static Command Dedup()
    {
        var files = Files();
        var output = Out("JSON lines file for the texts that are kept.");
        var near = new Option<double>("--near")
        {
            Description = "Estimated similarity from which texts are duplicates; 2 finds only exact ones.",
            DefaultValueFactory = _ => 0.8,
        };
        var command = new Command("dedup", "Drops duplicates, exact (but for case, punctuation, spacing) and near (MinHash of 5-word runs).") { files, output, near };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var threshold = parsed.GetValue(near);
                if (threshold is not (>= 0.3 and <= 2))
                {
                    throw new InvalidInputException($"--near is {threshold}; it must be from 0.3 to 1, or 2.");
                }

                var seen = new Deduplication(threshold);
                Filter(parsed, parsed.GetRequiredValue(files), parsed.GetRequiredValue(output), text => seen.Add(text).ToString(), nameof(Deduplication.Finding.New), cancellationToken);
            },
            cancellationToken));
        return command;
    }

    private static Command Decontaminate()
    {
        var files = Files();
        var output = Out("JSON lines file for the texts that are kept.");
        var against = new Option<string[]>("--against") { Description = "Files of test sets.", Required = true, AllowMultipleArgumentsPerToken = true };
        var words = new Option<int>("--words") { Description = "Words in common that are too many.", DefaultValueFactory = _ => 13 };
        var command = new Command("decontaminate", "Drops texts that hold a part of a test set.") { files, output, against, words };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                if (parsed.GetValue(words) is var count && count < 6)
                {
                    throw new InvalidInputException($"--words is {count}; fewer than 6 words are common to too many texts.");
                }

                var tests = new Decontamination(count);
                var (added, tooShort) = (0, 0);
                ForEach(parsed, parsed.GetRequiredValue(against), (record, text) => (added, tooShort) = tests.AddTest(text) ? (added + 1, tooShort) : (added, tooShort + 1), cancellationToken);
                parsed.InvocationConfiguration.Error.WriteLine($"{added:N0} test texts; {tooShort:N0} were too short to be found again");
                Filter(parsed, parsed.GetRequiredValue(files), parsed.GetRequiredValue(output), text => tests.IsContaminated(text) ? "contaminated" : "clean", "clean", cancellationToken);
            },
            cancellationToken));
        return command;
    }

    private static Command TrainTokenizer()
    {
        var files = Files();
        var output = Out("Folder for tokenizer.json and tokenizer_config.json.");
        var size = new Option<int>("--vocab-size") { Description = "Number of ids, 256 bytes and 25 special tokens included.", DefaultValueFactory = _ => 8192 };
        var digits = new Option<bool>("--split-digits") { Description = "No token holds two digits." };
        var command = new Command("tokenizer", "Learns a byte-level BPE with the special tokens of MiniMax-M1.") { files, output, size, digits };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var trainer = new BytePairTrainer(mergeDigits: !parsed.GetValue(digits));
                ForEach(parsed, parsed.GetRequiredValue(files), (_, text) => trainer.Add(text), cancellationToken);
                var folder = parsed.GetRequiredValue(output);
                var tokenizer = trainer.Train(parsed.GetValue(size));
                OutputFile.Write(folder, target => Directory.CreateDirectory(target));
                OutputFile.WriteText(Path.Combine(folder, "tokenizer.json"), Encoding.UTF8.GetString(tokenizer));
                OutputFile.WriteText(Path.Combine(folder, "tokenizer_config.json"), BytePairTrainer.ConfigJson);
                var ids = Tokenizer.Load(folder).VocabularySize;
                parsed.InvocationConfiguration.Output.WriteLine($"{ids:N0} ids from {ByteSize.Format(trainer.ByteCount)} of text in {folder}");
            },
            cancellationToken));
        return command;
    }

    /// <summary>Copies the records whose class is <paramref name="kept"/> and prints how many there are of each.</summary>
    private static void Filter(ParseResult parsed, string[] files, string output, Func<string, string> classify, string kept, CancellationToken cancellationToken)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal) { [kept] = 0 };
        OutputFile.Write(output, target =>
        {
            var temporary = target + ".tmp";
            try
            {
                using (var stream = File.Create(temporary))
                {
                    ForEach(
                        parsed,
                        files,
                        (record, text) =>
                        {
                            var found = classify(text);
                            counts[found] = counts.GetValueOrDefault(found) + 1;
                            if (found == kept)
                            {
                                using var writer = new Utf8JsonWriter(stream, oneLine);
                                record.WriteTo(writer);
                                writer.Flush();
                                stream.WriteByte((byte)'\n');
                            }
                        },
                        cancellationToken);
                }

                File.Move(temporary, target, overwrite: true);
            }
            finally
            {
                File.Delete(temporary);
            }
        });
        parsed.InvocationConfiguration.Output.WriteLine(string.Join(", ", counts.Select(pair => $"{pair.Value:N0} {pair.Key.ToLowerInvariant()}")) + $" → {output}");
    }

    private static void ForEach(ParseResult parsed, string[] paths, Action<JsonElement, string> action, CancellationToken cancellationToken)
    {
        var error = parsed.InvocationConfiguration.Error;
        foreach (var path in paths)
        {
            using var file = RecordFile.Open(path);
            var progress = new ProgressLine(error, file.Count, ProgressLine.IsTerminal(error), TimeProvider.System, count => FormattableString.Invariant($"{count:0} records"));
            for (var i = 0L; i < file.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var record = file.Read(i);
                action(record, RecordText.Of(record, parsed.GetValue(field), file.Place(i)));
                progress.Report(i + 1);
            }

            progress.Finish();
        }
    }
}
