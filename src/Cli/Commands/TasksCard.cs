using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tasks card</c>: the tables of a model card from the files of <c>tasks evaluate --json</c>.</summary>
internal sealed class TasksCard
{
    private readonly Argument<string> title = new("TITLE") { Description = "Name of the model." };

    private readonly Option<string[]> stages = new("--stage")
    {
        Description = "A stage and the evaluations of its model, in the order of training; several files have commas between them.",
        HelpName = "NAME=FILE[,FILE]",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> trained = new("--trained")
    {
        Description = "Hardest level of a task that was trained; harder ones get a table of their own.",
        HelpName = "TASK:LEVEL",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> seeds = new("--seed-run")
    {
        Description = "Evaluations of runs of one stage with different seeds, two or more; their gain over --gain-over gets a table with intervals.",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> gainOver = new("--gain-over") { Description = "The stage that the runs of --seed-run began with.", HelpName = "NAME" };
    private readonly Option<string?> preface = new("--preface") { Description = "Markdown file that stands before the tables.", HelpName = "FILE" };
    private readonly Option<string> outFile = new("--out", "-o") { Description = "The card.", HelpName = "FILE", Required = true };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var card = new TasksCard();
        var command = new Command(
            "card",
            "Write a model card: accuracy by task, level and language after each stage of training, and where it ends beyond the levels of training.\n\n"
                + "Example: minimax tasks card my-model --stage SFT=sft.json --stage RL=rl.json --trained addition:4 --out card.md\n"
                + "Example: minimax tasks card my-model --stage SFT=sft.json --gain-over SFT --seed-run rl1.json rl2.json rl3.json --out card.md")
        {
            card.title, card.stages, card.trained, card.seeds, card.gainOver, card.preface, card.outFile,
        };
        command.SetAction(card.Run);
        return command;
    }

    private async Task Run(ParseResult parsed, CancellationToken cancel)
    {
        var columns = parsed.GetRequiredValue(stages).Select(Stage.Read).ToArray();
        var levels = parsed.GetValue(trained)?.SelectMany(HeldOutTask.Parse).ToDictionary(static task => task.Name, static task => task.Level, StringComparer.Ordinal) ?? [];
        var text = new StringBuilder($"# {parsed.GetRequiredValue(title)}\n\n");
        if (parsed.GetValue(preface) is { } file)
        {
            text.Append((await Text(file, cancel).ConfigureAwait(false)).Trim()).Append("\n\n");
        }

        var keys = columns.SelectMany(static column => column.Scores.Keys).Distinct().ToArray();
        bool IsBeyond((string Task, int Level, string Language) key) => levels.TryGetValue(key.Task, out var most) && key.Level > most;
        Table(text, "Accuracy on held-out problems", columns, [.. keys.Where(key => !IsBeyond(key))]);
        Table(text, "Harder than trained", columns, [.. keys.Where(IsBeyond)]);
        if (parsed.GetValue(seeds) is { Length: > 0 } files)
        {
            var before = columns.FirstOrDefault(column => column.Name == parsed.GetValue(gainOver))
                ?? throw new InvalidInputException($"--gain-over must name one of the stages: {string.Join(", ", columns.Select(static column => column.Name))}.");
            Stage[] runs = [.. files.Select(static (file, i) => Stage.Read($"seed {i + 1}={file}"))];
            Gains(text, "greedy answers", before, runs, [.. keys.Where(key => !IsBeyond(key))], static score => score.Greedy);
            Gains(text, "drawn answers", before, runs, [.. keys.Where(key => !IsBeyond(key))], static score => score.Average);
        }

        var path = parsed.GetRequiredValue(outFile);
        OutputFile.Write(path, target =>
        {
            File.WriteAllText(target + ".tmp", text.ToString());
            File.Move(target + ".tmp", target, overwrite: true);
        });
        await parsed.InvocationConfiguration.Error.WriteLineAsync($"written: {path}").ConfigureAwait(false);
    }

    /// <summary>A row for each task, level and language; the last one is the mean of the rows that every stage has.</summary>
    private static void Table(StringBuilder text, string heading, Stage[] columns, (string Task, int Level, string Language)[] keys)
    {
        if (keys.Length == 0)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"## {heading}\n\nShare of right answers in percent: greedy ± standard error, and avg@n of n drawn answers where there are some.\n\n");
        text.Append("| task | level | | ").AppendJoin(" | ", columns.Select(static column => column.Name)).Append(" | prompts | tokens |\n|---|---|---|").Insert(text.Length, "---|", columns.Length + 2).Append('\n');
        foreach (var key in keys)
        {
            var last = columns.Last(column => column.Scores.ContainsKey(key)).Scores[key];
            text.Append(CultureInfo.InvariantCulture, $"| {key.Task} | {key.Level} | {key.Language} | ")
                .AppendJoin(" | ", columns.Select(column => column.Scores.TryGetValue(key, out var score) ? score.Shown : "–"))
                .Append(CultureInfo.InvariantCulture, $" | {last.Prompts} | {last.Tokens:0} |\n");
        }

        var shared = keys.Where(key => columns.All(column => column.Scores.ContainsKey(key))).ToArray();
        if (shared.Length > 0)
        {
            text.Append("| **mean** | | | ").AppendJoin(" | ", columns.Select(column => Invariant($"**{100 * shared.Average(key => column.Scores[key].Greedy):0.0}**"))).Append(" | | |\n");
        }

        text.Append('\n');
    }

    /// <summary>A row for each task: its accuracy before, after each run, and the gain with Student's interval over the runs. No table where no task was measured so.</summary>
    private static void Gains(StringBuilder text, string of, Stage before, Stage[] runs, (string Task, int Level, string Language)[] keys, Func<Score, double?> accuracy)
    {
        if (runs.Length < 2)
        {
            throw new InvalidInputException("--seed-run needs two files or more: one run says nothing about its spread.");
        }

        var shared = keys.Where(key => runs.Append(before).All(run => run.Scores.TryGetValue(key, out var score) && accuracy(score) is not null)).ToArray();
        if (shared.Length == 0)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"## Gain over {before.Name}, {runs.Length} seeds: {of}\n\nAccuracy in percent, the mean over levels and languages of the first table. Gain in points with Student's 95 % interval over the seeds.\n\n")
            .Append(CultureInfo.InvariantCulture, $"| task | {before.Name} | ").AppendJoin(" | ", runs.Select(static run => run.Name)).Append(" | gain |\n|---|").Insert(text.Length, "---|", runs.Length + 2).Append('\n');
        foreach (var task in shared.GroupBy(static key => key.Task).Append(shared.GroupBy(static _ => "**mean**").Single()))
        {
            double Percent(Stage stage) => 100 * task.Average(key => accuracy(stage.Scores[key])!.Value);
            var gain = MeanInterval.Of([.. runs.Select(run => Percent(run) - Percent(before))]);
            text.Append(CultureInfo.InvariantCulture, $"| {task.Key} | {Percent(before):0.0} | ").AppendJoin(" | ", runs.Select(run => Invariant($"{Percent(run):0.0}")))
                .Append(CultureInfo.InvariantCulture, $" | {Signed(gain.Mean)} ({Signed(gain.Low)} to {Signed(gain.High)}) |\n");
        }

        text.Append('\n');
    }

    /// <summary>With its sign, rounded first: what rounds to zero is no negative zero.</summary>
    private static string Signed(double points) => (Math.Round(points, 1, MidpointRounding.AwayFromZero) + 0.0).ToString("+0.0;-0.0;+0.0", CultureInfo.InvariantCulture);

    private static async Task<string> Text(string file, CancellationToken cancel) => File.Exists(file)
        ? await File.ReadAllTextAsync(file, cancel).ConfigureAwait(false)
        : throw new InvalidInputException($"{file} does not exist.");

    private sealed record Score(double Greedy, double Error, double? Average, int Prompts, double Tokens)
    {
        public string Shown => Invariant($"{100 * Greedy:0.0} ± {100 * Error:0.0}") + (Average is { } average ? Invariant($" / {100 * average:0.0}") : "");
    }

    /// <summary>A stage of training.</summary>
    /// <param name="Name">What its column is called.</param>
    /// <param name="Scores">Scores without a thinking budget.</param>
    private sealed record Stage(string Name, Dictionary<(string Task, int Level, string Language), Score> Scores)
    {
        public static Stage Read(string text)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw new InvalidInputException($"--stage {text}: write NAME=FILE, such as SFT=sft.json.");
            }

            return new Stage(text[..equals], text[(equals + 1)..].Split(',').SelectMany(ScoresOf).DistinctBy(static score => score.Key).ToDictionary());
        }

        /// <summary>The scores of a file; where several files have the same, the first counts.</summary>
        private static KeyValuePair<(string Task, int Level, string Language), Score>[] ScoresOf(string file)
        {
            try
            {
                using var json = JsonDocument.Parse(File.Exists(file) ? File.ReadAllText(file) : throw new InvalidInputException($"{file} does not exist."));
                var scores = json.RootElement.GetProperty("scores").EnumerateArray().Where(static score => score.GetProperty("budget").ValueKind == JsonValueKind.Null);
                return [.. scores.Select(static score => KeyValuePair.Create((score.GetProperty("task").GetString()!, score.GetProperty("level").GetInt32(), score.GetProperty("language").GetString()!), Of(score)))];
            }
            catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                throw new InvalidInputException($"{file} is no output of 'minimax tasks evaluate --json': {exception.Message}");
            }
        }

        private static Score Of(JsonElement score) => new(
            score.GetProperty("greedy").GetDouble(),
            score.GetProperty("greedy_error").GetDouble(),
            score.TryGetProperty("average", out var average) ? average.GetDouble() : null,
            score.GetProperty("prompts").GetInt32(),
            score.GetProperty("greedy_tokens").GetDouble());
    }
}
