using System.Text.Json.Nodes;
using MiniMaxSharp.Cli;

namespace MiniMaxSharp.Tests.Cli;

public sealed class AgreeCommandTests
{
    [Fact]
    public async Task Engine_and_trainer_agree_on_a_trained_model_and_less_so_with_a_rounded_head_or_weights()
    {
        using var folder = new ScratchFolder();
        var trained = await CommandLineRun.Of("train", "pretrain", "--recipe", "nano-smoke", "--out", folder["run"], "--steps", "30", "--batch-tokens", "512", "--threads", "1");
        Assert.True(trained.ExitCode == 0, trained.Error);
        var data = Path.Combine(folder["run"], "data", "number-lines.jsonl");
        var run = await CommandLineRun.Of("train", "agree", Path.Combine(folder["run"], "checkpoints", "step-00000030"), "--data", data, "--tokens", "3000", "--threads", "1", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var rows = JsonNode.Parse(run.Output)!.AsArray();
        double Of(string engine, string trainer, string figure) =>
            (double)Assert.Single(rows, row => (string?)row!["engine"] == engine && (string?)row["trainer"] == trainer)![figure]!;

        Assert.All(rows, static row => Assert.InRange((int)row!["tokens"]!, 3000, 30_000));
        Assert.InRange(Of("f32", "f32", "pearson_correlation"), 0.99999, 1);
        Assert.InRange(Of("f32", "f32", "mean_abs_delta_logprob"), 0, 1e-5);
        Assert.InRange(Of("f32", "f32", "max_abs_delta_logprob"), 0, 1e-3);
        Assert.InRange(Of("f32", "bf16 head", "mean_abs_delta_logprob"), 1e-4, 0.1);
        Assert.InRange(Of("q8_0", "f32", "mean_abs_delta_logprob"), 1e-5, 0.1);
    }

    [Fact]
    public async Task Bad_input_is_refused()
    {
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of("train", "agree", RandomTiny.Folder, "--tokens", "0")).ExitCode);
        using var folder = new ScratchFolder();
        await File.WriteAllTextAsync(folder["empty.jsonl"], "", TestContext.Current.CancellationToken);
        var run = await CommandLineRun.Of("train", "agree", RandomTiny.Folder, "--data", folder["empty.jsonl"]);
        Assert.Equal(CommandLine.BadInput, run.ExitCode);
        Assert.Contains("empty.jsonl", run.Error, StringComparison.Ordinal);
    }
}
