using System.Text.Json;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Tests.Cli;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class CompareCommandTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Steps_to_the_target_are_compared_over_pairs_of_equal_seed()
    {
        foreach (var seed in new[] { 1, 2, 3 })
        {
            Write("slow", seed, steps: 40, reachesAt: 20);
            Write("fast", seed, steps: 40, reachesAt: 10);
        }

        var run = await CommandLineRun.Of("train", "compare", "--arm", $"slow={folder["slow"]}", "--arm", $"fast={folder["fast"]}", "--baseline", "slow", "--target", "0.5");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("| slow | 3 | 3 | 22 | 88 | 22,000 | 10.00 % | 1.000 ± 0.000 |", run.Output, StringComparison.Ordinal); // The mean of three passes the target one evaluation later.
        Assert.Contains("| fast | 3 | 1.83 | 1.83 to 1.83 | 0 | 0 | 0 |", run.Output, StringComparison.Ordinal);
        Assert.Contains("| fast | 2 | 12 | 48 | 12,000 | 1.000 |", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_mean_may_be_of_another_number_of_evaluations()
    {
        Write("slow", 1, steps: 40, reachesAt: 20);
        Write("fast", 1, steps: 40, reachesAt: 10);
        string[] arguments = ["train", "compare", "--arm", $"slow={folder["slow"]}", "--arm", $"fast={folder["fast"]}", "--baseline", "slow", "--target", "0.5", "--mean-of"];
        var single = await CommandLineRun.Of([.. arguments, "1"]);
        Assert.Contains("| fast | 1 | 2.00 |", single.Output, StringComparison.Ordinal);
        Assert.Contains("| slow | 1 | 20 |", single.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await CommandLineRun.Of([.. arguments, "0"])).ExitCode);
    }

    [Fact]
    public async Task Censored_runs_count_with_their_length_and_unfinished_ones_not_at_all()
    {
        Write("base", 1, steps: 40, reachesAt: 100);
        Write("base", 2, steps: 40, reachesAt: 20);
        Write("base", 3, steps: 40, reachesAt: 20);
        Write("base", 4, steps: 40, reachesAt: 100);
        Write("arm", 1, steps: 40, reachesAt: 16);
        Write("arm", 2, steps: 40, reachesAt: 16);
        Write("arm", 3, steps: 40, reachesAt: 100, ranTo: 10);
        Write("arm", 4, steps: 40, reachesAt: 100);
        var plot = folder["curve.png"];
        var run = await CommandLineRun.Of(
            "train", "compare", "--arm", $"base={folder["base"]}", "--arm", $"arm={folder["arm"]}", "--baseline", "base", "--target", "0.5", "--json", "--plot", $"entropy={plot}");
        Assert.True(run.ExitCode == 0, run.Error);
        var ratio = JsonDocument.Parse(run.Output).RootElement.GetProperty("ratios")[0];
        Assert.Equal([2, 1, 0, 1], new[] { "pairs", "censored_baseline", "censored_arm", "censored_both" }.Select(name => ratio.GetProperty(name).GetInt32()));
        Assert.Equal(Math.Sqrt(40.0 / 18 * (22.0 / 18)), ratio.GetProperty("ratio").GetDouble(), 6);
        Assert.True(new FileInfo(plot).Length > 1000);
    }

    [Fact]
    public async Task What_cannot_be_compared_is_bad_input()
    {
        Write("a", 1, steps: 10, reachesAt: 4);
        Directory.CreateDirectory(folder["empty"]);
        foreach (var (arm, baseline, metric, named) in new[]
        {
            ($"a={folder["a"]}", "b", "eval/greedy", "none of the arms"), ($"a={folder["nowhere"]}", "a", "eval/greedy", "holds no run"), ($"a={folder["empty"]}", "a", "eval/greedy", "holds no runs"),
            ($"a={folder["a"]}", "a", "eval/other", "never measured"), ($"a={folder["a/1"]},{folder["a/1"]}", "a", "eval/greedy", "twice"), ("a", "a", "eval/greedy", "NAME=VALUE"),
        })
        {
            var run = await CommandLineRun.Of("train", "compare", "--arm", arm, "--baseline", baseline, "--target", "0.5", "--metric", metric);
            Assert.Equal(CommandLine.BadInput, run.ExitCode);
            Assert.Contains(named, run.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>A run that evaluates every other step and gets everything right from a step on.</summary>
    private void Write(string arm, int seed, int steps, int reachesAt, int? ranTo = null)
    {
        var path = Path.Combine(folder[arm], $"{seed}");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "run.json"), $"{{\"recipe\":\"test\",\"seed\":{seed},\"steps\":{steps}}}");
        using var log = new RunLog(path);
        for (var step = 1; step <= (ranTo ?? steps); step++)
        {
            var metrics = new Dictionary<string, double> { ["reward"] = 0.5, ["updates"] = 4, ["tokens"] = 1000.0 * step, ["entropy"] = 1.0 / step, ["clip_ratio/region_mean"] = 0.1 };
            if (step % 2 == 0)
            {
                metrics["eval/greedy"] = step >= reachesAt ? 1 : 0;
            }

            log.Log(step, metrics);
        }
    }
}
