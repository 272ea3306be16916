using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax train compare</c>: the arms of a study of reinforcement, over seeds.</summary>
internal sealed class CompareCommand
{
    private const string Help = """
        Compares the arms of a study: how soon their runs reach a target, with optimiser updates and drawn tokens, and the ratio of the steps of runs with the same seed
        with Student's 95 % interval. A run that does not reach the target counts with the steps that it ran, and is counted as censored; pairs in which neither
        reaches it are left out and counted. Runs that ended early are named and left out.

        Example: minimax train compare --arm dapo=runs/dapo --arm cispo=runs/cispo --baseline dapo --target 0.8
                 minimax train compare --arm dapo=runs/dapo --arm cispo=runs/cispo --baseline dapo --target 0.8 --out result.md --plot eval/greedy=curve.png --plot entropy=entropy.png
        """;

    private readonly Option<string[]> arms = new("--arm") { Description = "An arm: folders of runs, or a folder that holds such folders.", HelpName = "NAME=DIR[,DIR]", Required = true };
    private readonly Option<string> metric = new("--metric") { Description = "What is evaluated.", DefaultValueFactory = _ => "eval/greedy" };
    private readonly Option<double> target = new("--target") { Description = "Value that the mean of the last evaluations has to reach.", Required = true };
    private readonly Option<int> meanOf = new("--mean-of") { Description = "Evaluations of that mean.", DefaultValueFactory = _ => RunOutcome.UsualMean };
    private readonly Option<string> baseline = new("--baseline") { Description = "The arm that the others are compared with.", Required = true };
    private readonly Option<string?> outFile = new("--out", "-o") { Description = "Markdown file; without it the tables are printed.", HelpName = "FILE" };
    private readonly Option<string[]> plots = new("--plot") { Description = "Draw a metric of all runs into a .png or .svg file.", HelpName = "METRIC=FILE" };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON object." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var compare = new CompareCommand();
        var command = new Command("compare", Help) { compare.arms, compare.metric, compare.target, compare.meanOf, compare.baseline, compare.outFile, compare.plots, compare.json };
        command.SetAction(compare.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        if (parsed.GetValue(meanOf) < 1)
        {
            throw new InvalidInputException("--mean-of must be at least 1.");
        }

        var asked = parsed.GetRequiredValue(arms).Select(static arm => Split(arm, "--arm")).Select(static arm => (arm.Name, Folders: FoldersOf(arm.Value))).ToArray();
        var measured = asked.Select(arm => (arm.Name, Runs: arm.Folders.Select(folder => RunOutcome.Read(folder, parsed.GetRequiredValue(metric), parsed.GetValue(target), parsed.GetValue(meanOf))).ToArray())).ToArray();
        foreach (var (name, runs) in measured)
        {
            if (runs.GroupBy(static run => run.Seed).FirstOrDefault(static group => group.Count() > 1) is { } twice)
            {
                throw new InvalidInputException($"--arm {name} has the seed {twice.Key} twice: {string.Join(", ", twice.Select(static run => run.Folder))}. Leave one out.");
            }
        }

        if (!measured.Any(arm => arm.Name == parsed.GetRequiredValue(baseline)))
        {
            throw new InvalidInputException($"--baseline {parsed.GetRequiredValue(baseline)} is none of the arms: {string.Join(", ", measured.Select(static arm => arm.Name))}.");
        }

        var against = measured.First(arm => arm.Name == parsed.GetRequiredValue(baseline));
        var ratios = measured.Where(arm => arm.Name != against.Name).Select(arm => (arm.Name, Ratio: ArmComparison.Of(against.Runs, arm.Runs))).ToArray();
        var text = parsed.GetValue(json) ? Json(measured, ratios) + "\n" : Markdown(parsed, measured, against.Name, ratios);
        if (parsed.GetValue(outFile) is { } file)
        {
            OutputFile.Write(file, path =>
            {
                File.WriteAllText(path + ".tmp", text);
                File.Move(path + ".tmp", path, overwrite: true);
            });
        }
        else
        {
            parsed.InvocationConfiguration.Output.Write(text);
        }

        foreach (var (name, path) in (parsed.GetValue(plots) ?? []).Select(static plot => Split(plot, "--plot")))
        {
            ArmsPlot.Save(path, name, [.. asked.Select(static arm => (arm.Name, (IReadOnlyList<string>)arm.Folders))]);
        }

        return 0;
    }

    private static (string Name, string Value) Split(string text, string option)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && equals < text.Length - 1
            ? (text[..equals], text[(equals + 1)..])
            : throw new InvalidInputException($"{option} {text}: write NAME=VALUE, such as cispo=runs/cispo.");
    }

    /// <summary>The run folders of an arm: those named, or the folders inside them.</summary>
    private static string[] FoldersOf(string list)
    {
        static bool IsRun(string folder) => File.Exists(Path.Combine(folder, RunLog.FileName));
        static IEnumerable<string> Inside(string folder) =>
            IsRun(folder) || !Directory.Exists(folder) ? [folder] : Directory.GetDirectories(folder).Where(IsRun).Order(StringComparer.Ordinal);

        var folders = list.Split(',').SelectMany(Inside).ToArray();
        return folders.Length > 0 ? folders : throw new InvalidInputException($"{list} holds no runs. Give folders that --out of 'minimax train rl' named, or a folder of such folders.");
    }

    private string Markdown(ParseResult parsed, (string Name, RunOutcome[] Runs)[] measured, string against, (string Name, ArmComparison? Ratio)[] ratios)
    {
        var text = new StringBuilder(Invariant($"Target: {(parsed.GetValue(meanOf) == 1 ? "an evaluation" : Invariant($"mean of {parsed.GetValue(meanOf)} evaluations"))} of {parsed.GetRequiredValue(metric)} at {parsed.GetValue(target)}. Medians; a run that did not reach the target counts with the steps, updates and tokens of the whole run.\n\n"));
        text.Append("| arm | runs | reached | steps | updates | drawn tokens | clipped tokens | last evaluation |\n|---|---|---|---|---|---|---|---|\n");
        foreach (var (name, all) in measured)
        {
            var runs = all.Where(static run => !run.IsUnfinished).ToArray();
            if (runs.Length == 0)
            {
                text.Append(Invariant($"| {name} | 0 | | | | | | |\n"));
                continue;
            }

            var last = MeanInterval.Of([.. runs.Select(static run => run.Final)]);
            text.Append(Invariant($"| {name} | {runs.Length} | {runs.Count(static run => run.ReachedAt is not null)} | {Median(runs, static run => run.StepsOrLimit):0.#} | {Median(runs, static run => run.Updates):0.#} "))
                .Append(Invariant($"| {Median(runs, static run => run.Tokens):#,0} | {100 * runs.Average(static run => run.ClippedShare):0.00} % | {last.Mean:0.000}{(runs.Length > 1 ? Invariant($" ± {last.HalfWidth:0.000}") : "")} |\n"));
        }

        text.Append(Invariant($"\nSteps of {against} divided by those of the arm, over pairs of equal seed; 95 % interval of the mean logarithm.\n\n| arm | pairs | ratio | interval | {against} censored | arm censored | both censored, left out |\n|---|---|---|---|---|---|---|\n"));
        foreach (var (name, ratio) in ratios)
        {
            text.Append(ratio is null or { Pairs: 0 }
                ? Invariant($"| {name} | 0 | | | | | {ratio?.CensoredBoth ?? 0} |\n")
                : Invariant($"| {name} | {ratio.Pairs} | {ratio.Ratio:0.00} | {(ratio.Pairs > 1 ? Invariant($"{ratio.Low:0.00} to {ratio.High:0.00}") : "–")} | {ratio.CensoredBaseline} | {ratio.CensoredArm} | {ratio.CensoredBoth} |\n"));
        }

        text.Append("\n| arm | seed | steps | updates | drawn tokens | last evaluation |\n|---|---|---|---|---|---|\n");
        foreach (var (name, run) in measured.SelectMany(static arm => arm.Runs.OrderBy(static run => run.Seed).Select(run => (arm.Name, run))))
        {
            var steps = run.ReachedAt is { } reached ? Invariant($"{reached}") : run.IsUnfinished ? Invariant($"ended at {run.LastStep} of {run.Limit}") : Invariant($"> {run.LastStep}");
            text.Append(Invariant($"| {name} | {run.Seed} | {steps} | {run.Updates:0} | {run.Tokens:#,0} | {run.Final:0.000} |\n"));
        }

        return text.ToString();
    }

    private static double Median(RunOutcome[] runs, Func<RunOutcome, double> of)
    {
        var values = runs.Select(of).Order().ToArray();
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }

    private static string Json((string Name, RunOutcome[] Runs)[] measured, (string Name, ArmComparison? Ratio)[] ratios) => new JsonObject
    {
        ["runs"] = new JsonArray([.. measured.SelectMany(static arm => arm.Runs.Select(run => (JsonNode)new JsonObject
        {
            ["arm"] = arm.Name,
            ["folder"] = run.Folder,
            ["seed"] = run.Seed,
            ["reached_at"] = run.ReachedAt,
            ["last_step"] = run.LastStep,
            ["unfinished"] = run.IsUnfinished,
            ["updates"] = run.Updates,
            ["tokens"] = run.Tokens,
            ["clipped_share"] = run.ClippedShare,
            ["final"] = run.Final,
        }))]),
        ["ratios"] = new JsonArray([.. ratios.Where(static one => one.Ratio is { Pairs: > 0 }).Select(static one => (JsonNode)new JsonObject
        {
            ["arm"] = one.Name,
            ["pairs"] = one.Ratio!.Pairs,
            ["ratio"] = one.Ratio.Ratio,
            ["low"] = one.Ratio.Low,
            ["high"] = one.Ratio.High,
            ["censored_baseline"] = one.Ratio.CensoredBaseline,
            ["censored_arm"] = one.Ratio.CensoredArm,
            ["censored_both"] = one.Ratio.CensoredBoth,
        })]),
    }.ToJsonString();
}
