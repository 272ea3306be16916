using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tasks verify</c>: scores the answers in a file of instances.</summary>
internal static class TasksVerification
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE.jsonl") { Description = "One instance a line, as sample --jsonl prints it, with \"answer\" (one reply) or \"answers\" (several); - reads standard input." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object: the summary, and for every instance its scores." };
        var k = new Option<int>("--k") { Description = "k of pass@k and pass^k; at most the samples of a question.", DefaultValueFactory = _ => 1 };
        var command = new Command(
            "verify",
            "Score replies by the tasks' verifiers. A line without an answer checks the instance itself: its gold answer must score 1.\n"
                + "A reply is judged by the last \\boxed{} after its thinking. A verifier that fails is counted apart, not as a wrong answer.\n\n"
                + "Example: minimax tasks verify answers.jsonl --k 4 --json")
        {
            file, json, k,
        };
        command.SetAction((parsed, cancel) =>
        {
            var source = parsed.GetRequiredValue(file);
            var questions = Read(InputFile.ReadText(source), InputFile.Name(source), cancel);
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                WriteJson(questions, parsed.GetValue(k), output);
            }
            else
            {
                WriteText(questions, parsed.GetValue(k), output);
            }

            return Task.CompletedTask;
        });
        return command;
    }

    private static List<Question> Read(string text, string source, CancellationToken cancel)
    {
        var questions = new List<Question>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            cancel.ThrowIfCancellationRequested();
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                using var document = JsonDocument.Parse(line);
                questions.Add(Score(document.RootElement, $"{source}, line {number}"));
            }
            catch (JsonException exception)
            {
                throw new InvalidInputException($"{source}, line {number}: not valid JSON: {exception.Message} One object a line is expected.", exception);
            }
        }

        return questions.Count > 0 ? questions : throw new InvalidInputException($"{source} holds no instances. Make some: minimax tasks sample --help");
    }

    private static Question Score(JsonElement line, string place)
    {
        var instance = TaskInstance.FromJson(line, place);
        var task = TaskCatalog.Get(instance.Task);
        var replies = Replies(line, place);
        if (replies.Count == 0)
        {
            task.Validate(instance);
            return new Question(instance, [task.Judge(instance, instance.Gold)], 0, IsGold: true);
        }

        return new Question(instance, [.. replies.Select(reply => task.Verify(instance, reply))], replies.Average(FinalAnswer.FormatReward), IsGold: false);
    }

    private static List<string> Replies(JsonElement line, string place)
    {
        var replies = new List<string>();
        if (line.TryGetProperty("answers", out var several) && several.ValueKind == JsonValueKind.Array)
        {
            replies.AddRange(several.EnumerateArray().Select(reply => Text(reply, place)));
        }

        if (line.TryGetProperty("answer", out var one))
        {
            replies.Add(Text(one, place));
        }

        return replies;
    }

    private static string Text(JsonElement reply, string place) =>
        reply.ValueKind == JsonValueKind.String ? reply.GetString()! : throw new InvalidInputException($"{place}: an answer must be a string.");

    private static void WriteText(List<Question> questions, int k, TextWriter output)
    {
        foreach (var question in questions)
        {
            foreach (var verdict in question.Verdicts)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{question.Instance.Id}  {question.Instance.Task,-20} {verdict.Score:0.##}  {verdict.Reason}{(verdict.IsError ? " (verifier failed)" : "")}"));
            }
        }

        foreach (var group in questions.GroupBy(question => question.Instance.Task))
        {
            output.WriteLine($"{group.Key}: {Summary.Of([.. group], k).Show()}");
        }

        output.WriteLine($"all: {Summary.Of(questions, k).Show()}");
    }

    private static void WriteJson(List<Question> questions, int k, TextWriter output)
    {
        var tasks = new JsonObject();
        foreach (var group in questions.GroupBy(question => question.Instance.Task))
        {
            tasks[group.Key] = Summary.Of([.. group], k).ToJson();
        }

        var result = new JsonObject { ["all"] = Summary.Of(questions, k).ToJson(), ["tasks"] = tasks, ["instances"] = new JsonArray([.. questions.Select(question => question.ToJson())]) };
        output.WriteLine(result.ToJsonString());
    }

    private sealed record Question(TaskInstance Instance, IReadOnlyList<Verdict> Verdicts, double Format, bool IsGold)
    {
        /// <summary>Scores of the verdicts that are none of a failed verifier.</summary>
        public IReadOnlyList<double> Scores { get; } = [.. Verdicts.Where(verdict => !verdict.IsError).Select(verdict => verdict.Score)];

        public JsonNode ToJson() => new JsonObject
        {
            ["id"] = Instance.Id,
            ["task"] = Instance.Task,
            ["level"] = Instance.Level,
            ["gold_checked"] = IsGold,
            ["format"] = Format,
            ["scores"] = new JsonArray([.. Verdicts.Select(verdict => (JsonNode)verdict.Score)]),
            ["reasons"] = new JsonArray([.. Verdicts.Select(verdict => (JsonNode)verdict.Reason)]),
            ["errors"] = Verdicts.Count(verdict => verdict.IsError),
        };
    }

    /// <summary>avg@n with its clustered standard error, pass@k and pass^k where every question has k samples.</summary>
    private sealed record Summary(int Questions, int Samples, int Errors, double Average, double Error, int K, double? Any, double? All)
    {
        public static Summary Of(IReadOnlyList<Question> questions, int k)
        {
            var scored = questions.Where(question => question.Scores.Count > 0).ToArray();
            var scores = scored.Select(question => question.Scores).ToArray();
            var hasK = scored.Length > 0 && k >= 1 && scored.All(question => question.Scores.Count >= k);
            double? Mean(Func<int, int, int, double> estimate) => hasK ? scores.Average(samples => estimate(samples.Count, samples.Count(score => score >= 1), k)) : null;
            return new Summary(
                questions.Count,
                scores.Sum(samples => samples.Count),
                questions.Sum(question => question.Verdicts.Count(verdict => verdict.IsError)),
                scored.Length == 0 ? 0 : PassAtK.Average(scores),
                scored.Length == 0 ? 0 : PassAtK.ClusteredStandardError(scores),
                k,
                Mean(PassAtK.Any),
                Mean(PassAtK.All));
        }

        public string Show() => string.Create(
            CultureInfo.InvariantCulture,
            $"{Questions} questions, {Samples} samples, average {Average:0.0000} ± {Error:0.0000}{(Any is { } any ? $", pass@{K} {any:0.0000}, pass^{K} {All:0.0000}" : "")}{(Errors > 0 ? $", {Errors} verifier failures left out" : "")}");

        public JsonNode ToJson() => new JsonObject
        {
            ["questions"] = Questions,
            ["samples"] = Samples,
            ["verifier_failures"] = Errors,
            ["average"] = Average,
            ["standard_error"] = Error,
            ["k"] = K,
            ["pass_at_k"] = Any,
            ["pass_hat_k"] = All,
        };
    }
}
