using System.Diagnostics;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

/// <summary>
/// Trains in a process of its own, which is killed at random moments, and compares with a run that nothing happened to.
/// MINIMAX_KILLS asks for more kills than the few of every day.
/// </summary>
public sealed class KilledRunTests : IDisposable
{
    private const int Steps = 30;
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
            using var process = Start(killed);
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

        using (var last = Start(killed))
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

    private static Process Start(string run)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "minimax.dll"));
        foreach (var argument in Arguments(run))
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
