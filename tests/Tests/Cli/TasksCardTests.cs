using MiniMaxSharp.Cli;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TasksCardTests : IDisposable
{
    private const string Sft = """
        {"scores":[
        {"task":"addition","level":4,"language":"en","budget":null,"prompts":50,"greedy":0.9,"greedy_error":0.04,"greedy_tokens":61.2,"average":0.85},
        {"task":"addition","level":5,"language":"en","budget":null,"prompts":50,"greedy":0.3,"greedy_error":0.06,"greedy_tokens":80},
        {"task":"addition","level":4,"language":"en","budget":64,"prompts":50,"greedy":0.1,"greedy_error":0.06,"greedy_tokens":80}]}
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("minimax-card-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Stages_stand_beside_each_other_and_untrained_levels_apart()
    {
        var (sft, rl, card) = (Path.Combine(folder, "sft.json"), Path.Combine(folder, "rl.json"), Path.Combine(folder, "card.md"));
        await File.WriteAllTextAsync(sft, Sft, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(rl, Sft.Replace("0.9,", "0.98,", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var run = await CommandLineRun.Of("tasks", "card", "tiny", "--stage", $"SFT={sft}", "--stage", $"RL={rl},{sft}", "--trained", "addition:4", "--out", card);
        Assert.True(run.ExitCode == 0, run.Error);
        var text = await File.ReadAllTextAsync(card, TestContext.Current.CancellationToken);
        Assert.StartsWith("# tiny\n", text, StringComparison.Ordinal);
        Assert.Contains("| task | level | | SFT | RL | prompts | tokens |\n|---|---|---|---|---|---|---|\n| addition | 4 | en | 90.0 ± 4.0 / 85.0 | 98.0 ± 4.0 / 85.0 | 50 | 61 |\n", text, StringComparison.Ordinal);
        Assert.Contains("**90.0** | **98.0**", text, StringComparison.Ordinal);
        Assert.True(text.IndexOf("| addition | 5 |", StringComparison.Ordinal) > text.IndexOf("## Harder than trained", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Runs_of_several_seeds_give_a_gain_with_its_interval()
    {
        var card = Path.Combine(folder, "card.md");
        var files = new[] { "0.9,", "0.92,", "0.94,", "0.96," }.Select(async (greedy, i) =>
        {
            var file = Path.Combine(folder, $"{i}.json");
            await File.WriteAllTextAsync(file, Sft.Replace("0.9,", greedy, StringComparison.Ordinal), TestContext.Current.CancellationToken);
            return file;
        });
        var written = await Task.WhenAll(files);
        string[] command = ["tasks", "card", "tiny", "--stage", $"SFT={written[0]}", "--trained", "addition:4", "--out", card, "--seed-run"];
        var run = await CommandLineRun.Of([.. command, .. written[1..], "--gain-over", "SFT"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("| addition | 90.0 | 92.0 | 94.0 | 96.0 | +4.0 (-1.0 to +9.0) |", await File.ReadAllTextAsync(card, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of([.. command, written[1], "--gain-over", "SFT"])).ExitCode);
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of([.. command, .. written[1..]])).ExitCode);
    }

    [Theory]
    [InlineData("SFT")]
    [InlineData("SFT=missing.json")]
    public async Task What_is_no_stage_is_bad_input(string stage) =>
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of("tasks", "card", "tiny", "--stage", stage, "--out", Path.Combine(folder, "card.md"))).ExitCode);

    [Fact]
    public async Task Another_json_file_is_bad_input()
    {
        var file = Path.Combine(folder, "other.json");
        await File.WriteAllTextAsync(file, "{}", TestContext.Current.CancellationToken);
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of("tasks", "card", "tiny", "--stage", $"SFT={file}", "--out", Path.Combine(folder, "card.md"))).ExitCode);
    }
}
