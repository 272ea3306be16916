using System.Text.Json;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Tests.Serving;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TasksPlayTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-play-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_local_model_plays_and_its_episodes_can_be_repeated_and_browsed()
    {
        string[] command = ["tasks", "play", "calculator/addition", "--model", RandomTiny.Folder, "--threads", "1", "--count", "2", "--samples", "2", "-n", "6", "--json", "--out"];
        var run = await CommandLineRun.Of([.. command, folder]);
        Assert.Equal(0, run.ExitCode);
        using var summary = JsonDocument.Parse(run.Output);
        Assert.Equal((4, 0), (summary.RootElement.GetProperty("episodes").GetInt32(), summary.RootElement.GetProperty("errors").GetInt32()));
        Assert.Equal(0, summary.RootElement.GetProperty("average").GetDouble());
        var first = await File.ReadAllTextAsync(Path.Combine(folder, RolloutFile.Name), TestContext.Current.CancellationToken);
        Assert.Equal(["0/0", "0/1", "1/0", "1/1"], RolloutFile.Read(folder).Select(rollout => $"{rollout.Group}/{rollout.Sample}"));
        Assert.Equal(4, RolloutFile.Read(folder).Select(rollout => string.Join(' ', rollout.Tokens)).Distinct().Count());
        await CommandLineRun.Of([.. command, folder]);
        Assert.Equal(first, await File.ReadAllTextAsync(Path.Combine(folder, RolloutFile.Name), TestContext.Current.CancellationToken));
        Assert.Contains("calculator/addition", (await CommandLineRun.Of("train", "show", folder)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_plays_and_is_scored()
    {
        var gold = EvaluationPrompt().Instance!.Gold;
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = $"<think>\nEasy.\n</think>\n\n\\boxed{{{gold}}}" });
        var run = await CommandLineRun.Of(
            "tasks", "play", "addition", "--level", "2", "--count", "1", "--samples", "3", "--model", RandomTiny.Folder, "--endpoint", server.Address.ToString(), "--endpoint-model", "scripted", "--json");
        Assert.Equal(0, run.ExitCode);
        using var summary = JsonDocument.Parse(run.Output);
        Assert.Equal(1, summary.RootElement.GetProperty("pass_hat_k").GetDouble());
    }

    [Theory]
    [InlineData("There is no task", "nothing")]
    [InlineData("level 99 does not exist", "addition", "--level", "99")]
    [InlineData("--endpoint-model", "addition", "--endpoint", "http://127.0.0.1:1")]
    [InlineData("there is no such environment variable", "addition", "--endpoint", "http://127.0.0.1:1", "--endpoint-model", "m", "--key-variable", "NO_SUCH_VARIABLE_HERE")]
    [InlineData("must be 1 or more", "addition", "--count", "0")]
    public async Task Bad_usage_says_how_to_mend_it(string message, params string[] arguments)
    {
        var run = await CommandLineRun.Of(["tasks", "play", .. arguments]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    private static EnvironmentPrompt EvaluationPrompt()
    {
        for (var seed = 0UL; ; seed++)
        {
            if (EnvironmentPrompt.Sample("addition", 2, seed) is { Split: TaskSplit.Evaluation } prompt)
            {
                return prompt;
            }
        }
    }
}
