using System.Xml.Linq;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Cli;

public sealed class RunReportTests
{
    [Fact]
    public async Task The_report_of_a_run_shows_its_metrics_and_loads_nothing()
    {
        using var folder = new ScratchFolder();
        using (var log = new RunLog(folder.Path))
        {
            for (var step = 1; step <= 2000; step++)
            {
                log.Log(step, new Dictionary<string, double> { ["loss"] = 5.0 / step, ["grad_norm/layer_00"] = step, ["own <metric>"] = double.NaN });
            }
        }

        var run = await CommandLineRun.Of("train", "report", folder.Path);
        Assert.True(run.ExitCode == 0, run.Error);
        var page = File.ReadAllText(run.Output.Trim());
        Assert.Contains("<figcaption>Loss</figcaption>", page, StringComparison.Ordinal);
        Assert.Contains("Gradient norm by place", page, StringComparison.Ordinal);
        Assert.Contains("own &lt;metric&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", page, StringComparison.Ordinal);
        Assert.DoesNotContain("src=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, 1000, 200_000);
    }

    [Fact]
    public async Task The_report_of_a_reinforcement_run_compares_the_probabilities_of_its_last_step()
    {
        using var folder = new ScratchFolder();
        using (var log = new RunLog(folder.Path))
        using (var rollouts = new RolloutFile(folder.Path))
        {
            log.Log(1, new Dictionary<string, double> { ["reward"] = 1 });
            rollouts.Append([Rollout(1, [-1, -3, -2]), Rollout(2, [-1, -2, -3])]);
        }

        var run = await CommandLineRun.Of("train", "report", folder.Path);
        Assert.True(run.ExitCode == 0, run.Error);
        var page = File.ReadAllText(run.Output.Trim());
        Assert.Contains("tokens of step 2", page, StringComparison.Ordinal);
        Assert.Contains("correlation 1.000000", page, StringComparison.Ordinal);
        Assert.Equal(3, page.Split("class=\"dot\"").Length - 1);
    }

    private static Rollout Rollout(int step, float[] trained) => new()
    {
        Step = step,
        Task = "addition",
        Prompt = "1",
        Group = 0,
        Sample = 0,
        PromptText = "",
        Tokens = [1, 2, 3],
        Logprobs = [-1, -2, -3],
        TrainLogprobs = trained,
        StopReason = StopReasons.Stop,
    };

    [Fact]
    public async Task A_folder_without_a_run_is_refused()
    {
        using var folder = new ScratchFolder();
        var run = await CommandLineRun.Of("train", "report", folder.Path);
        Assert.Equal(CommandLine.BadInput, run.ExitCode);
        Assert.Contains("holds no run", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-3, 7)]
    [InlineData(1e-9, 2e9)]
    public void An_axis_spans_its_values_with_few_round_ticks(double low, double high)
    {
        foreach (var logarithmic in new[] { false, true })
        {
            var axis = new Axis([low, high, double.NaN], 10, 110, logarithmic);
            Assert.InRange(axis.At(low), 9.99, 110.01);
            Assert.InRange(axis.At(high), axis.At(low), 110.01);
            Assert.InRange(axis.Ticks().Count(), 2, 20);
        }
    }

    [Fact]
    public void Charts_are_well_formed_and_keep_within_their_box()
    {
        var points = Enumerable.Range(0, 5000).Select(static i => ((double)i, Math.Sin(i))).ToList();
        foreach (var chart in new[] { SvgChart.Lines([new("a&b", points)]), SvgChart.HeatMap([new("x", points)]), SvgChart.Scatter(points) })
        {
            var svg = XElement.Parse(chart);
            Assert.All(svg.Descendants("circle"), static circle => Assert.InRange((double)circle.Attribute("cx")!, 0, 460));
            Assert.InRange(svg.Descendants().Count(), 2, 5100);
        }
    }
}
