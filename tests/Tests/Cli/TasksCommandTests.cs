using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TasksCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-tasks-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task The_list_names_the_logic_kinds_and_the_arithmetic_family()
    {
        var run = await CommandLineRun.Of("tasks", "list", "--json");
        using var list = JsonDocument.Parse(run.Output);
        Assert.True(list.RootElement.GetArrayLength() >= 38);
        Assert.Contains("sudoku", (await CommandLineRun.Of("tasks", "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Samples_verify_and_answers_are_scored_per_question()
    {
        var sampled = await CommandLineRun.Of("tasks", "sample", "addition", "--level", "3", "--count", "2", "--seed", "9", "--jsonl");
        var lines = sampled.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject()).ToArray();
        lines[0]["answers"] = new JsonArray($"\\boxed{{{lines[0]["gold"]}}}", "\\boxed{0}");
        lines[1]["answer"] = "no idea";
        var file = Path.Combine(folder, "answers.jsonl");
        await File.WriteAllTextAsync(file, string.Join('\n', lines.Select(line => line.ToJsonString())), TestContext.Current.CancellationToken);
        var run = await CommandLineRun.Of("tasks", "verify", file, "--json");
        Assert.Equal(0, run.ExitCode);
        using var result = JsonDocument.Parse(run.Output);
        Assert.Equal(0.25, result.RootElement.GetProperty("all").GetProperty("average").GetDouble());
        Assert.Equal(0.25, result.RootElement.GetProperty("all").GetProperty("pass_at_k").GetDouble());
        Assert.Contains("addition: 2 questions, 3 samples, average 0.2500", (await CommandLineRun.Of("tasks", "verify", file)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Training_examples_hold_a_derivation()
    {
        var run = await CommandLineRun.Of("tasks", "sample", "fractions", "--language", "zh", "--with-reasoning", "--jsonl", "--split", "sft");
        var messages = JsonNode.Parse(run.Output)!["messages"]!;
        Assert.Equal(("user", "assistant"), ((string)messages[0]!["role"]!, (string)messages[1]!["role"]!));
        Assert.NotEmpty((string)messages[1]!["reasoning_content"]!);
        Assert.Contains("\\boxed{", (string)messages[1]!["content"]!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("There is no task", "sample", "nothing")]
    [InlineData("level 99 does not exist", "sample", "sudoku", "--level", "99")]
    [InlineData("no prompts in \"zh\"", "sample", "sudoku", "--language", "zh")]
    [InlineData("has no derivations", "sample", "sudoku", "--with-reasoning")]
    [InlineData("cannot be read", "verify", "/nowhere/x.jsonl")]
    public async Task Bad_usage_says_how_to_mend_it(string message, params string[] arguments)
    {
        var run = await CommandLineRun.Of(["tasks", .. arguments]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }
}
