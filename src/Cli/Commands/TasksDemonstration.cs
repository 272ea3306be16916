using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tasks demonstrate</c>: training examples for supervised fine-tuning.</summary>
internal static class TasksDemonstration
{
    // A task with few problems may have none of the part for fine-tuning among its next seeds.
    private const int MostTries = 2_000;
    private const string All = "all";

    public static Command Create()
    {
        var name = new Argument<string>("NAME") { Description = "A task, calculator/TASK, order-desk, or all: every task with derivations, the calculator and the order desk." };
        var count = new Option<int>("--count") { Description = "Examples of each.", DefaultValueFactory = _ => 1 };
        var level = new Option<int?>("--level") { Description = "Difficulty; without it the levels take turns." };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the first example; the next ones have the following seeds." };
        var language = new Option<string>("--language") { Description = "en, zh, or any: the languages take turns.", DefaultValueFactory = _ => "any" };
        language.AcceptOnlyFromAmong("en", "zh", "any");
        var reflection = new Option<double>("--reflection") { Description = "Share of the examples, 0 to 1, with an error that is noticed and corrected.", DefaultValueFactory = _ => 0.1 };
        var file = new Option<string?>("--out") { Description = "File to write; without it the lines are printed." };
        var command = new Command(
            "demonstrate",
            "Write examples for supervised fine-tuning as JSON lines: messages with reasoning_content, tool calls and tool results, and the tools.\n"
                + "Only problems of the part sft are shown; those of rl and evaluation never are.\n\n"
                + "Example: minimax tasks demonstrate all --count 200 --out sft.jsonl\n"
                + "Example: minimax tasks demonstrate order-desk --level 3 --count 10")
        {
            name, count, level, seed, language, reflection, file,
        };
        command.SetAction((parsed, cancel) =>
        {
            var request = new Request(parsed.GetValue(count), parsed.GetValue(level), parsed.GetValue(seed), parsed.GetValue(language)!, parsed.GetValue(reflection));
            var lines = Lines(parsed.GetRequiredValue(name), request, cancel);
            if (parsed.GetValue(file) is { } path)
            {
                OutputFile.WriteText(path, string.Concat(lines.Select(line => line + "\n")));
                parsed.InvocationConfiguration.Error.WriteLine($"written: {path}");
                return Task.CompletedTask;
            }

            foreach (var line in lines)
            {
                parsed.InvocationConfiguration.Output.WriteLine(line);
            }

            return Task.CompletedTask;
        });
        return command;
    }

    private static IEnumerable<string> Lines(string name, Request request, CancellationToken cancel)
    {
        if (request.Count < 1 || request.Reflection is not (>= 0 and <= 1))
        {
            throw new InvalidInputException($"--count {request.Count} --reflection {request.Reflection}: give a count of 1 or more and a share from 0 to 1.");
        }

        string[] names = name == All
            ? [.. TaskCatalog.All.Select(task => task.Name), .. TaskCatalog.All.Select(task => $"calculator/{task.Name}"), EnvironmentPrompt.OrderDesk]
            : [name];
        return names.SelectMany(one => LinesOf(one, request, isStrict: name != All, cancel));
    }

    private static IEnumerable<string> LinesOf(string name, Request request, bool isStrict, CancellationToken cancel)
    {
        var languages = request.Language == "any" ? EnvironmentPrompt.Languages(name) : [TaskLanguageCode.Parse(request.Language)];
        var taken = 0;
        for (var i = 0UL; taken < request.Count && i < (ulong)(MostTries + (50 * request.Count)); i++)
        {
            cancel.ThrowIfCancellationRequested();
            if (!isStrict && !EnvironmentPrompt.Languages(name).Contains(languages[0]))
            {
                yield break;
            }

            var most = EnvironmentPrompt.MaxLevel(name);
            var level = request.Level ?? 1 + (int)(i / (ulong)languages.Count % (ulong)most);
            var prompt = EnvironmentPrompt.Sample(name, isStrict ? level : Math.Min(level, most), request.Seed + i, languages[(int)(i % (ulong)languages.Count)]);
            var shown = Demonstration.Of(prompt, request.Reflection);
            if (shown is null)
            {
                _ = isStrict ? throw new InvalidInputException($"{name} has no derivations to show. Take another task; see: minimax tasks sample {name} --with-reasoning") : 0;
                yield break;
            }

            if (prompt.Split == TaskSplit.Sft)
            {
                taken++;
                yield return Compact(shown);
            }
        }
    }

    private static string Compact(JsonObject line)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            line.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private sealed record Request(int Count, int? Level, ulong Seed, string Language, double Reflection);
}
