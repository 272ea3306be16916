using System.Text.Json.Nodes;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TrainCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-train-").FullName;
    private readonly string texts;

    public TrainCommandTests()
    {
        texts = Path.Combine(folder, "texts.jsonl");
        File.WriteAllLines(texts, Enumerable.Range(0, 300).Select(static i => $$"""{"text":"{{i}} and {{i + 1}}."}"""));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_recipe_with_other_values_trains_a_model_that_run_plays_and_sft_tunes()
    {
        var run = Path.Combine(folder, "run");
        string[] small = ["--batch-tokens", "256", "--threads", "1"];
        var trained = await CommandLineRun.Of(["train", "pretrain", "--recipe", "nano-smoke", "--out", run, "--data", texts + "=2", "--steps", "4", "--length", "32", "64", "--eval-data", texts, "--seed", "9", .. small]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        var checkpoint = Path.Combine(run, "checkpoints", "step-00000004");
        Assert.Contains(checkpoint, trained.Output, StringComparison.Ordinal);
        Assert.Contains("300 records", trained.Error, StringComparison.Ordinal);
        var recipe = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(run, "run.json"), TestContext.Current.CancellationToken))!;
        Assert.Equal((4, 256, 2.0), ((int)recipe["steps"]!, (int)recipe["batch_tokens"]!, (double)recipe["data"]![0]!["weight"]!));
        Assert.Equal((9, texts), ((int)recipe["seed"]!, (string?)recipe["evaluation_files"]![0]));
        Assert.Contains("held-out data", trained.Output, StringComparison.Ordinal);
        Assert.Equal([32, 64], recipe["stages"]!.AsArray().Select(static stage => (int)stage!["length"]!));

        Assert.Equal(0, (await CommandLineRun.Of("run", "--model", checkpoint, "--raw", "--quiet", "-n", "4", "1 and")).ExitCode);
        var again = await CommandLineRun.Of(["train", "pretrain", "--recipe", "nano-smoke", "--out", run]);
        Assert.Equal(CommandLine.BadInput, again.ExitCode);
        Assert.Contains("--resume", again.Error, StringComparison.Ordinal);
        var longer = await CommandLineRun.Of("train", "pretrain", "--out", run, "--resume", "--steps", "6");
        Assert.True(longer.ExitCode == 0, longer.Error);
        Assert.Contains("step-00000006", longer.Output, StringComparison.Ordinal);

        var tuned = await CommandLineRun.Of(["train", "sft", "--recipe", "nano-addition", "--model", checkpoint, "--out", Path.Combine(folder, "sft"), "--steps", "2", "--batch-tokens", "1024", "--threads", "1"]);
        Assert.True(tuned.ExitCode == 0, tuned.Error);
    }

    [Fact]
    public async Task A_stated_loss_that_is_not_reached_is_a_failure()
    {
        var run = Path.Combine(folder, "run");
        await CommandLineRun.Of(["train", "pretrain", "--recipe", "nano-smoke", "--out", run, "--data", texts, "--steps", "1", "--batch-tokens", "64", "--threads", "1"]);
        var path = Path.Combine(run, "run.json");
        var recipe = JsonNode.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken))!.AsObject();
        recipe["goal_loss"] = 0.01;
        await File.WriteAllTextAsync(path, recipe.ToJsonString(), TestContext.Current.CancellationToken);
        var failed = await CommandLineRun.Of("train", "pretrain", "--out", run, "--resume");
        Assert.Equal(CommandLine.Failure, failed.ExitCode);
        Assert.Contains("was not reached", failed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("is missing", "pretrain", "--out", "x")]
    [InlineData("nano-smoke", "pretrain", "--out", "x", "--recipe", "none")]
    [InlineData("no number", "pretrain", "--out", "x", "--recipe", "small", "--data", "texts=much")]
    [InlineData("--data", "pretrain", "--out", "x", "--recipe", "small")]
    [InlineData("--model", "sft", "--out", "x", "--recipe", "tune", "--data", "y")]
    public async Task Bad_usage_says_what_is_wrong(string message, params string[] arguments)
    {
        var run = await CommandLineRun.Of(["train", .. arguments]);
        Assert.Equal(CommandLine.BadInput, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists("x"));
    }

    [Fact]
    public void Every_recipe_survives_its_json()
    {
        foreach (var run in PretrainRecipes.All.Select(static recipe => recipe.Run))
        {
            var read = TrainingRunJson.Parse<PretrainRun>(JsonNode.Parse(TrainingRunJson.ToText(run.ToJson()))!.AsObject(), "test");
            Assert.Equal(run.ToJson().ToJsonString(), read.ToJson().ToJsonString());
        }

        foreach (var run in SftRecipes.All.Select(static recipe => recipe.Run))
        {
            var read = TrainingRunJson.Parse<SftRun>(run.ToJson(), "test");
            Assert.Equal(run.ToJson().ToJsonString(), read.ToJson().ToJsonString());
            Assert.Throws<InvalidInputException>(() => TrainingRunJson.Parse<PretrainRun>(run.ToJson(), "test"));
        }
    }
}
