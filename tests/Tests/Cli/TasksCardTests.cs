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
        var run = await CommandLineRun.Of("tasks", "card", "tiny", "--stage", $"SFT={sft}", "--stage", $"RL={rl}", "--trained", "addition:4", "--out", card);
        Assert.True(run.ExitCode == 0, run.Error);
        var text = await File.ReadAllTextAsync(card, TestContext.Current.CancellationToken);
        Assert.StartsWith("# tiny\n", text, StringComparison.Ordinal);
        Assert.Contains("| task | level | | SFT | RL | prompts | tokens |\n|---|---|---|---|---|---|---|\n| addition | 4 | en | 90.0 ± 4.0 / 85.0 | 98.0 ± 4.0 / 85.0 | 50 | 61 |\n", text, StringComparison.Ordinal);
        Assert.Contains("**90.0** | **98.0**", text, StringComparison.Ordinal);
        Assert.True(text.IndexOf("| addition | 5 |", StringComparison.Ordinal) > text.IndexOf("## Harder than trained", StringComparison.Ordinal));
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
