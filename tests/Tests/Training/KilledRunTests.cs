using System.Diagnostics;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

/// <summary>
/// Trains in a process of its own, which is killed at random moments, and compares with a run that nothing happened to.
/// MINIMAX_KILLS asks for more kills than the few of every day.
/// </summary>
public sealed class KilledRunTests : IDisposable
{
    private const int Steps = 30;
    private const int RlSteps = 8;
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-kill-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_run_that_is_killed_again_and_again_ends_with_the_same_weights_bitwise()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var kills = int.TryParse(Environment.GetEnvironmentVariable("MINIMAX_KILLS"), out var asked) ? asked : 2;
        string whole = Path.Combine(folder, "whole"), killed = Path.Combine(folder, "killed");
        Assert.Equal(0, await CommandLine.InvokeAsync(Arguments(whole), TextWriter.Null, TextWriter.Null));

        var random = new Random(kills);
        for (var i = 0; i < kills; i++)
        {
            using var process = Start(Arguments(killed));
            // From the first moments, before there is a checkpoint, to the last steps.
            var moment = (i * Steps / kills) + random.Next(Steps / kills);
            while (!process.HasExited && LoggedSteps(killed) < moment)
            {
                await Task.Delay(5, cancellation);
            }

            await Task.Delay(random.Next(60), cancellation);
            process.Kill();
            await process.WaitForExitAsync(cancellation);
        }

        using (var last = Start(Arguments(killed)))
        {
            await last.WaitForExitAsync(cancellation);
            Assert.Equal(0, last.ExitCode);
        }

        var (expected, actual) = (TrainingCheckpoint.Latest(whole)!, TrainingCheckpoint.Latest(killed)!);
        Assert.Equal((Steps, Steps), (expected.Step, actual.Step));
        foreach (var name in new[] { "model-00000-of-00001.safetensors", "tokenizer.json", "trainer/optimizer.safetensors", "trainer/state.json" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(expected.Folder, name)), File.ReadAllBytes(Path.Combine(actual.Folder, name)));
        }

        Assert.Equal(Steps, LoggedSteps(killed));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(killed, "*", SearchOption.AllDirectories), static path => path.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reinforcement_run_that_is_killed_draws_the_same_rollouts_after_its_resume()
    {
        var cancellation = TestContext.Current.CancellationToken;
        string whole = Path.Combine(folder, "whole"), killed = Path.Combine(folder, "killed");
        Assert.Equal(0, await CommandLine.InvokeAsync(RlArguments(whole), TextWriter.Null, TextWriter.Null));
        foreach (var moment in new[] { 2, 5 }) // Behind the checkpoint of step 2, and behind the one of step 4.
        {
            using var process = Start(RlArguments(killed));
            while (!process.HasExited && LoggedSteps(killed) < moment)
            {
                await Task.Delay(1, cancellation);
            }

            process.Kill();
            await process.WaitForExitAsync(cancellation);
        }

        Assert.InRange(LoggedSteps(killed), 5, RlSteps - 1);
        using (var last = Start(RlArguments(killed)))
        {
            await last.WaitForExitAsync(cancellation);
            Assert.Equal(0, last.ExitCode);
        }

        Assert.Equal(File.ReadAllText(Path.Combine(whole, RolloutFile.Name)), File.ReadAllText(Path.Combine(killed, RolloutFile.Name)));
        Assert.Equal(RlSteps, RolloutFile.Read(killed).Max(static rollout => rollout.Step));
        Assert.Contains(RolloutFile.Read(killed), static rollout => rollout.Step < RlSteps && rollout.Advantage > 0); // Weights changed on the way.
        var (expected, actual) = (TrainingCheckpoint.Latest(whole)!, TrainingCheckpoint.Latest(killed)!);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(expected.Folder, "model-00000-of-00001.safetensors")), File.ReadAllBytes(Path.Combine(actual.Folder, "model-00000-of-00001.safetensors")));
    }

    private static int LoggedSteps(string run)
    {
        var path = Path.Combine(run, "metrics.jsonl");
        if (!File.Exists(path))
        {
            return 0;
        }

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd().Count(static character => character == '\n');
    }

    private static string[] Arguments(string run) =>
    [
        "train", "pretrain", "--recipe", "nano-smoke", "--out", run, "--resume", "--steps", $"{Steps}", "--save-every", "3", "--batch-tokens", "256",
        "--length", "64", "--threads", "2", "--deterministic",
    ];

    private static string[] RlArguments(string run) =>
    [
        "train", "rl", "--recipe", "nano-arithmetic-cispo", "--out", run, "--resume", "--model", RandomTiny.Folder, "--steps", $"{RlSteps}", "--threads", "1",
        "--set", "prompts_per_step=3", "--set", "group_size=6", "--set", "windows=[64]", "--set", "overlong_cache=64", "--set", "dynamic_sampling=false",
        "--set", "evaluate_every=0", "--set", "save_every=2",
    ];

    private static Process Start(string[] arguments)
    {
        var start = CommandLineProcess.StartInfo(arguments);
        start.RedirectStandardOutput = true;
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
