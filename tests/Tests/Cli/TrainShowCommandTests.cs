using System.Text.Json;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TrainShowCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-show-").FullName;

    public TrainShowCommandTests()
    {
        using var file = new RolloutFile(folder);
        file.Append([RolloutFileTests.Sample(1, 0, 0.5), RolloutFileTests.Sample(1, 1, 1, "sudoku"), RolloutFileTests.Sample(2, 0, -0.5), RolloutFileTests.Sample(2, 1, 0.25)]);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("1/0/0 1/0/1 2/0/0 2/0/1")]
    [InlineData("2/0/0 2/0/1", "--step", "2")]
    [InlineData("1/0/1", "--task", "sudoku")]
    [InlineData("1/0/1 1/0/0", "--best", "--limit", "2")]
    [InlineData("2/0/0", "--worst", "--limit", "1")]
    [InlineData("2/0/1", "--limit", "1")]
    public async Task The_list_is_filtered_and_ordered(string names, params string[] options)
    {
        var run = await CommandLineRun.Of(["train", "show", folder, "--json", .. options]);
        Assert.Equal(0, run.ExitCode);
        var shown = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => RolloutFile.Parse(line, "the output")).Select(rollout => $"{rollout.Step}/{rollout.Group}/{rollout.Sample}");
        Assert.Equal(names, string.Join(' ', shown));
    }

    [Fact]
    public async Task The_table_tells_reward_terms_and_end()
    {
        var run = await CommandLineRun.Of("train", "show", folder);
        Assert.Contains("correct 0.5, format 0", run.Output, StringComparison.Ordinal);
        Assert.Contains("4 roll-outs, mean reward 0.313", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_roll_out_shows_its_tokens_with_the_unlikely_ones_and_the_environment_marked()
    {
        var run = await CommandLineRun.Of("train", "show", folder, "1/0/1", "--model", RandomTiny.Folder);
        Assert.Equal(0, run.ExitCode);
        var tokenizer = ScriptedPolicy.Tokenizer;
        Assert.Contains(
            $"{tokenizer.Decode([72])}[[{tokenizer.Decode([105])}]]{tokenizer.Decode([33])}{{0.08}}", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 + 1 = ?", run.Output, StringComparison.Ordinal);
        Assert.Contains("below 0.5: 1 of 2", run.Output, StringComparison.Ordinal);
        Assert.Contains("[72][[[105]]][33]{0.08}", (await CommandLineRun.Of("train", "show", folder, "1/0/1")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_roll_out_can_steer_the_terminal()
    {
        using (var file = new RolloutFile(folder, resumedAtStep: 9))
        {
            file.Append([RolloutFileTests.Sample(3) with { Answer = "\u001b[2J\u009bX", PromptText = "\u001b]0;title\u0007", Error = "\u001b[1m" }]);
        }

        Assert.DoesNotContain('\u001b', (await CommandLineRun.Of("train", "show", folder)).Output);
        Assert.DoesNotContain((await CommandLineRun.Of("train", "show", folder, "3/0/0")).Output, character => char.IsControl(character) && character is not ('\n' or '\r'));
    }

    [Fact]
    public async Task The_page_holds_the_roll_outs_and_lets_no_answer_into_its_markup()
    {
        var page = Path.Combine(folder, "page.html");
        var run = await CommandLineRun.Of("train", "show", folder, "--html", page, "--model", RandomTiny.Folder);
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        var html = await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken);
        Assert.Equal(4, html.Split("<details>").Length - 1);
        Assert.DoesNotContain("{2} <b>", html, StringComparison.Ordinal);
        Assert.Contains("{2} &lt;b&gt;", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("has no roll-out 9/9/9", "9/9/9")]
    [InlineData("exclude each other", "--best", "--worst")]
    [InlineData("--limit 0", "--limit", "0")]
    public async Task Bad_usage_says_how_to_mend_it(string message, params string[] options)
    {
        var run = await CommandLineRun.Of(["train", "show", folder, .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Contains("has no rollouts.jsonl", (await CommandLineRun.Of("train", "show", Path.Combine(folder, "none"))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demonstrations_are_of_the_part_for_fine_tuning_alone()
    {
        var file = Path.Combine(folder, "sft.jsonl");
        var run = await CommandLineRun.Of("tasks", "demonstrate", "all", "--count", "2", "--out", file);
        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        var lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        Assert.True(lines.Length > 20);
        Assert.All(lines, line =>
        {
            using var json = JsonDocument.Parse(line);
            Assert.Equal("sft", json.RootElement.GetProperty("split").GetString());
        });
        Assert.Contains(lines, line => line.Contains("\"tools\":", StringComparison.Ordinal));
        var refused = await CommandLineRun.Of("tasks", "demonstrate", "sudoku");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("has no derivations", refused.Error, StringComparison.Ordinal);
    }
}
