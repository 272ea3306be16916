using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tasks</c>: lists the reasoning tasks, samples problems, and scores answers.</summary>
internal static class TasksCommand
{
    public static Command Create() => new("tasks", "Reasoning tasks with verifiers: generated problems, with a difficulty knob, for training and evaluation.")
    {
        CreateList(),
        CreateSample(),
        TasksVerification.Create(),
        TasksDemonstration.Create(),
        TasksPlay.Create(),
        TasksEvaluation.Create(),
        TasksCard.Create(),
    };

    private static Command CreateList()
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON array." };
        var command = new Command("list", "List the tasks: name, levels, languages, what is asked and what the level counts.\n\nExample: minimax tasks list") { json };
        command.SetAction(parsed =>
        {
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                output.WriteLine(new JsonArray([.. TaskCatalog.All.Select(Describe)]).ToJsonString());
                return;
            }

            foreach (var task in TaskCatalog.All)
            {
                output.WriteLine($"{task.Name,-20} 1-{task.MaxLevel,-3} {string.Join(',', task.Languages.Select(language => language.Code())),-6} {task.Description}");
                output.WriteLine($"{"",-32} level = {task.LevelMeaning}");
            }

            output.WriteLine($"{TaskCatalog.All.Count} tasks");
        });
        return command;
    }

    private static JsonNode Describe(ReasoningTask task) => new JsonObject
    {
        ["name"] = task.Name,
        ["min_level"] = task.MinLevel,
        ["max_level"] = task.MaxLevel,
        ["languages"] = new JsonArray([.. task.Languages.Select(language => (JsonNode)language.Code())]),
        ["description"] = task.Description,
        ["level_meaning"] = task.LevelMeaning,
    };

    private static Command CreateSample()
    {
        var name = new Argument<string>("TASK") { Description = "Name of a task, or all." };
        var level = new Option<int?>("--level") { Description = "Difficulty; without it the levels take turns." };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the first problem; the next ones have the following seeds." };
        var count = new Option<int>("--count") { Description = "Problems of each task.", DefaultValueFactory = _ => 1 };
        var language = new Option<string>("--language") { Description = "en, zh, or any: the languages of the task take turns.", DefaultValueFactory = _ => "en" };
        language.AcceptOnlyFromAmong("en", "zh", "any");
        var jsonl = new Option<bool>("--jsonl", "--json") { Description = "Print one JSON object a line: the prompt, the gold answer, and what the verifier needs." };
        var reasoning = new Option<bool>("--with-reasoning") { Description = "Add a derivation: training examples with messages and reasoning_content. Tasks without derivations are bad input." };
        var split = new Option<string>("--split") { Description = "Only problems of one part: sft, rl, evaluation, or all. Every problem belongs to one part, whatever its wording.", DefaultValueFactory = _ => "all" };
        split.AcceptOnlyFromAmong("all", "sft", "rl", "evaluation");
        var command = new Command(
            "sample",
            "Print problems of a task. The same level and seed give the same problem everywhere.\n\n"
                + "Example: minimax tasks sample sudoku --level 3 --seed 7\n"
                + "Example: minimax tasks sample all --count 100 --language any --split sft --with-reasoning --jsonl > sft.jsonl")
        {
            name, level, seed, count, language, jsonl, reasoning, split,
        };
        command.SetAction((parsed, cancel) =>
        {
            var request = new SampleRequest(
                parsed.GetValue(level), parsed.GetValue(seed), parsed.GetValue(count), parsed.GetValue(language)!, parsed.GetValue(jsonl), parsed.GetValue(reasoning), parsed.GetValue(split)!);
            WriteSamples(parsed.GetRequiredValue(name), request, parsed.InvocationConfiguration.Output, cancel);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void WriteSamples(string name, SampleRequest request, TextWriter output, CancellationToken cancel)
    {
        if (request.Count < 1)
        {
            throw new InvalidInputException($"--count {request.Count}: give 1 or more.");
        }

        foreach (var task in name == "all" ? TaskCatalog.All : [TaskCatalog.Get(name)])
        {
            foreach (var instance in Samples(task, request, isStrict: name != "all"))
            {
                cancel.ThrowIfCancellationRequested();
                WriteSample(instance, request, output);
            }
        }
    }

    /// <summary>Takes seeds in turn until enough problems of the wanted part are found.</summary>
    private static IEnumerable<TaskInstance> Samples(ReasoningTask task, SampleRequest request, bool isStrict)
    {
        var taken = 0;
        var limit = request.Seed + (50UL * (ulong)request.Count) + 1_000; // A task with few problems may have none in a part.
        for (var seed = request.Seed; taken < request.Count && seed < limit; seed++)
        {
            var turn = (int)(seed % int.MaxValue);
            var language = request.Language == "any" ? task.Languages[turn % task.Languages.Count] : TaskLanguageCode.Parse(request.Language);
            if (!isStrict && !task.Languages.Contains(language))
            {
                yield break;
            }

            var level = request.Level ?? task.MinLevel + (turn / task.Languages.Count % task.MaxLevel);
            var instance = task.Sample(isStrict ? level : Math.Min(level, task.MaxLevel), seed, language);
            if (request.WithReasoning && instance.Reasoning is null)
            {
                _ = isStrict ? throw new InvalidInputException($"{task.Name} has no derivations; leave --with-reasoning out.") : 0;
                yield break;
            }

            if (request.Split == "all" || instance.Split.ToString().Equals(request.Split, StringComparison.OrdinalIgnoreCase))
            {
                taken++;
                yield return instance;
            }
        }
    }

    private static void WriteSample(TaskInstance instance, SampleRequest request, TextWriter output)
    {
        if (request.IsJson)
        {
            output.WriteLine(instance.ToJsonLine(request.WithReasoning));
            return;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"── {instance.Task}, level {instance.Level}, seed {instance.Seed}, {instance.Language.Code()}, {instance.Split.ToString().ToLowerInvariant()}"));
        output.WriteLine(instance.Prompt);
        if (request.WithReasoning)
        {
            output.WriteLine($"── reasoning\n{instance.Reasoning}");
        }

        output.WriteLine($"── answer\n{instance.Gold}\n");
    }

    private sealed record SampleRequest(int? Level, ulong Seed, int Count, string Language, bool IsJson, bool WithReasoning, string Split);
}
