using System.Text.Json;
using MiniMaxSharp.Cli;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TasksEvaluationTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-evaluate-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Every_task_level_language_and_budget_has_a_score_and_the_curve_is_drawn()
    {
        var plot = Path.Combine(folder, "curve.png");
        string[] command =
        [
            "tasks", "evaluate", RandomTiny.Folder, "--tasks", "addition:2-3", "calculator/division:2", "--count", "2", "--samples", "2", "--language", "en", "zh",
            "--budget", "4", "0", "-n", "24", "--threads", "1", "--json", "--plot", plot,
        ];
        var run = await CommandLineRun.Of(command);
        Assert.True(run.ExitCode == 0, run.Error);
        using var result = JsonDocument.Parse(run.Output);
        var scores = result.RootElement.GetProperty("scores").EnumerateArray().ToArray();
        Assert.Equal(12, scores.Length);
        Assert.Equal([0, 4], result.RootElement.GetProperty("budgets").EnumerateArray().Select(static line => line.GetProperty("budget").GetInt32()));
        Assert.All(scores, static score => Assert.Equal((2, 2, 0), (score.GetProperty("prompts").GetInt32(), score.GetProperty("samples").GetInt32(), score.GetProperty("errors").GetInt32())));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], (await File.ReadAllBytesAsync(plot, TestContext.Current.CancellationToken))[..4]);
        Assert.Equal(run.Output, (await CommandLineRun.Of(command)).Output);
    }

    [Fact]
    public async Task A_table_is_printed_without_json()
    {
        var run = await CommandLineRun.Of("tasks", "evaluate", RandomTiny.Folder, "--tasks", "comparison", "--count", "2", "-n", "4", "--threads", "1");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("comparison", run.Output, StringComparison.Ordinal);
        Assert.Contains("mean of all, budget -: greedy 0.000", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--tasks", "nothing")]
    [InlineData("--tasks", "addition", "--count", "0")]
    [InlineData("--tasks", "addition", "--plot", "curve.png")]
    [InlineData("--tasks", "addition", "--budget", "0", "8", "--plot", "curve.txt")]
    public async Task What_makes_no_sense_is_bad_input(params string[] options) =>
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of(["tasks", "evaluate", RandomTiny.Folder, .. options])).ExitCode);
}
