using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tasks evaluate</c>: accuracy of a model by task, level, language and thinking budget.</summary>
internal sealed class TasksEvaluation
{
    private const int MostRunning = 128;

    private readonly Argument<string?> model = DefaultModel.CreateArgument();

    private readonly Option<string[]> tasks = new("--tasks")
    {
        Description = "Tasks: NAME, NAME:LEVEL or NAME:FIRST-LAST; calculator/NAME asks with a calculator.",
        HelpName = "TASK",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string> split = new("--split") { Description = "Part of the problems: sft, rl or evaluation.", DefaultValueFactory = _ => "evaluation" };
    private readonly Option<int> count = new("--count") { Description = "Prompts of each task, level and language.", DefaultValueFactory = _ => 50 };
    private readonly Option<int> samples = new("--samples") { Description = "Drawn answers of each prompt for avg@n, beside the greedy one; 0 draws none." };
    private readonly Option<string[]> language = new("--language") { Description = "en, zh, or both.", DefaultValueFactory = _ => ["en"], AllowMultipleArgumentsPerToken = true };
    private readonly Option<int[]> budget = new("--budget") { Description = "Most tokens of thinking; several give a curve. Without it thinking has no limit.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<double> temperature = new("--temperature") { Description = "Of the drawn answers.", DefaultValueFactory = _ => 1 };
    private readonly Option<double> topP = new("--top-p") { Description = "Smallest set of tokens with this probability, of the drawn answers.", DefaultValueFactory = _ => 0.95 };
    private readonly Option<int> maxTokens = new("--max-tokens", "-n") { Description = "Most tokens after the prompt.", DefaultValueFactory = _ => 1024 };
    private readonly Option<ulong> seed = new("--seed") { Description = "First seed of the prompts, and seed of the draws." };
    private readonly Option<int> threads = new("--threads", "-t") { Description = "Threads; 0 is one per CPU." };
    private readonly Option<string?> plot = new("--plot") { Description = "Draw accuracy against thinking budget into a .png or .svg file; needs two budgets or more.", HelpName = "FILE" };
    private readonly Option<bool> json = new("--json") { Description = "Print one JSON object." };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var evaluation = new TasksEvaluation();
        evaluation.split.AcceptOnlyFromAmong("sft", "rl", "evaluation");
        evaluation.language.AcceptOnlyFromAmong("en", "zh");
        var command = new Command(
            "evaluate",
            "Measure a model on held-out problems: the greedy answer, and avg@n of drawn ones, for each task, level, language and thinking budget.\n\n"
                + "Example: minimax tasks evaluate my-run/checkpoints/step-00001000 --tasks addition:1-4 countdown:1-2 --count 100 --language en zh\n"
                + "Example: minimax tasks evaluate --tasks arithmetic-chain:3 --budget 0 32 64 128 256 --samples 4 --json --plot curve.png")
        {
            evaluation.model, evaluation.tasks, evaluation.split, evaluation.count, evaluation.samples, evaluation.language, evaluation.budget, evaluation.temperature,
            evaluation.topP, evaluation.maxTokens, evaluation.seed, evaluation.threads, evaluation.plot, evaluation.json,
        };
        command.SetAction(evaluation.Run);
        return command;
    }

    private async Task Run(ParseResult parsed, CancellationToken cancel)
    {
        var asked = parsed.GetRequiredValue(tasks).SelectMany(HeldOutTask.Parse).ToArray();
        var languages = parsed.GetRequiredValue(language).Select(TaskLanguageCode.Parse).Distinct().ToArray();
        int?[] budgets = parsed.GetValue(budget) is { Length: > 0 } given ? [.. given.Distinct().Order().Select(tokens => (int?)tokens)] : [null];
        Check(parsed, budgets);
        using var engine = InferenceEngine.Open(DefaultModel.Resolve(parsed.GetValue(model)), new ModelOptions { Threads = parsed.GetValue(threads) }, new EngineOptions { MaxRunning = MostRunning, MaxWaiting = int.MaxValue / 2 });
        var parts = (from budget in budgets from language in languages from task in asked select (budget, language, task)).ToArray();
        var error = parsed.InvocationConfiguration.Error;
        var progress = new ProgressLine(error, parts.Length, ProgressLine.IsTerminal(error), TimeProvider.System, done => Invariant($"{done:0.##} parts"));
        var scores = new List<TaskScore>();
        foreach (var (limit, spoken, task) in parts)
        {
            scores.Add(await Score(parsed, engine, task, spoken, limit, cancel).ConfigureAwait(false));
            progress.Report(scores.Count);
        }

        progress.Finish();
        Write(parsed, budgets, scores);
        if (parsed.GetValue(plot) is { } file)
        {
            AccuracyPlot.Save(file, scores);
            await error.WriteLineAsync($"written: {file}").ConfigureAwait(false);
        }
    }

    private void Check(ParseResult parsed, int?[] budgets)
    {
        if (parsed.GetValue(count) < 1 || parsed.GetValue(samples) < 0 || parsed.GetValue(maxTokens) < 1 || budgets.Any(tokens => tokens < 0))
        {
            throw new InvalidInputException("--count and --max-tokens must be 1 or more, --samples and --budget 0 or more.");
        }

        if (parsed.GetValue(plot) is { } file)
        {
            FlopsPlot.CheckEnding(file);
            _ = budgets.Length > 1 ? 0 : throw new InvalidInputException($"--plot {file}: a curve needs two budgets or more, such as --budget 0 64 128.");
        }
    }

    private async Task<TaskScore> Score(ParseResult parsed, InferenceEngine engine, HeldOutTask task, TaskLanguage spoken, int? limit, CancellationToken cancel)
    {
        var part = Enum.Parse<TaskSplit>(parsed.GetRequiredValue(split), ignoreCase: true);
        var prompts = task.Prompts(part, spoken, parsed.GetValue(seed)).Take(parsed.GetValue(count)).ToArray();
        if (prompts.Length == 0)
        {
            throw new InvalidInputException($"{task.Name} has no problem of level {task.Level} in the part {parsed.GetValue(split)}. Take a harder level.");
        }

        var greedy = await Play(parsed, engine, prompts, new SamplingParams { Temperature = 0, ThinkingBudget = limit }, 1, cancel).ConfigureAwait(false);
        var drawing = new SamplingParams { Temperature = parsed.GetValue(temperature), TopP = parsed.GetValue(topP), Seed = parsed.GetValue(seed), ThinkingBudget = limit };
        drawing.Validate();
        var drawn = parsed.GetValue(samples) is > 0 and var n ? await Play(parsed, engine, prompts, drawing, n, cancel).ConfigureAwait(false) : [];
        return new TaskScore(task.Name, task.Level, spoken, limit, [.. greedy.Select(group => group[0])], drawn);
    }

    /// <summary>All prompts side by side: the engine takes as many answers into a step as fit.</summary>
    private Task<Rollout[][]> Play(ParseResult parsed, InferenceEngine engine, EnvironmentPrompt[] prompts, SamplingParams sampling, int perPrompt, CancellationToken cancel)
    {
        var player = new EnvironmentPlay(LocalGenerate.Of(engine), engine.Tokenizer, sampling, new RewardScoring(TimeSpan.FromSeconds(30)))
        {
            Episode = new EpisodeOptions { MaxTokens = parsed.GetValue(maxTokens) },
        };
        return Task.WhenAll(prompts.Select((prompt, i) => player.PlayGroup(prompt, i, perPrompt, cancel)));
    }

    private void Write(ParseResult parsed, int?[] budgets, List<TaskScore> scores)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
        {
            var result = new JsonObject
            {
                ["model"] = DefaultModel.Resolve(parsed.GetValue(model)),
                ["split"] = parsed.GetRequiredValue(split),
                ["scores"] = new JsonArray([.. scores.Select(score => score.ToJson())]),
                ["budgets"] = new JsonArray([.. budgets.Select(limit => Mean(limit, scores))]),
            };
            output.WriteLine(result.ToJsonString());
            return;
        }

        output.WriteLine($"{"task",-32} level lang  budget  prompts  greedy   avg@n  tokens");
        foreach (var score in scores)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{score.Task,-32} {score.Level,5} {score.Language.Code(),-4} {(score.Budget?.ToString(CultureInfo.InvariantCulture) ?? "-"),7} {score.Greedy.Count,8} {score.GreedyAccuracy,7:0.000} {score.Average,7:0.000} {score.Greedy.Average(rollout => rollout.PolicyTokens),7:0.0}"));
        }

        foreach (var limit in budgets)
        {
            var mean = Mean(limit, scores);
            output.WriteLine(Invariant($"mean of all, budget {limit?.ToString(CultureInfo.InvariantCulture) ?? "-"}: greedy {(double)mean["greedy"]!:0.000}{((double?)mean["average"] is { } average ? Invariant($", avg@n {average:0.000}") : "")}"));
        }
    }

    /// <summary>The mean over tasks, levels and languages.</summary>
    private static JsonObject Mean(int? limit, List<TaskScore> scores)
    {
        var of = scores.Where(score => score.Budget == limit).ToArray();
        return new JsonObject { ["budget"] = limit, ["greedy"] = of.Average(score => score.GreedyAccuracy), ["average"] = of.Average(score => score.Average) };
    }
}
