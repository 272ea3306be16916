using MiniMaxSharp.Cli;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Cli;

public sealed class TrainingViewTests
{
    [Theory]
    [InlineData(new[] { 0.0, 1, 2, 3, 4, 5, 6, 7 }, 8, "▁▂▃▄▅▆▇█")]
    [InlineData(new[] { 5.0, 5, 5 }, 8, "▁▁▁")]
    [InlineData(new[] { 1.0, double.NaN, 0 }, 8, "█ ▁")]
    [InlineData(new[] { 0.0, 0, 1, 1 }, 2, "▁█")]
    [InlineData(new double[0], 8, "")]
    public void A_sparkline_goes_from_the_least_to_the_largest_value(double[] values, int width, string expected) =>
        Assert.Equal(expected, Sparkline.Of(values, width));

    [Fact]
    public void Without_a_terminal_there_is_a_plain_line_after_each_pause_and_at_each_evaluation()
    {
        using var error = new StringWriter();
        var clock = new SteppedTime();
        var view = new TrainingView(error, clock, width: null, TimeSpan.FromSeconds(5), ["loss"], static value => $"step {value.Step}");
        for (var step = 1; step <= 12; step++)
        {
            clock.Now += TimeSpan.FromSeconds(1);
            view.Report(Progress(step, step == 7 ? "eval/loss" : "lr"));
        }

        view.Note("saved");
        Assert.Equal(["step 5", "step 7", "step 12", "saved"], Lines(error));
    }

    [Fact]
    public void A_terminal_shows_one_block_that_fits_and_is_drawn_over()
    {
        using var error = new StringWriter();
        var clock = new SteppedTime();
        var view = new TrainingView(error, clock, width: 80, TimeSpan.Zero, ["loss", "reward"], static _ => "plain");
        for (var step = 1; step <= 100; step++)
        {
            clock.Now += TimeSpan.FromMilliseconds(100);
            view.Report(Progress(step, "lr"));
        }

        var text = error.ToString();
        Assert.Equal(34, text.Split(" of 100,").Length - 1); // Every third step, and the last one.
        Assert.Equal(33, text.Split("\x1b[2A\x1b[J").Length - 1); // All but the first clear the two lines before; "reward" has no value.
        var last = text[text.LastIndexOf("\x1b[J", StringComparison.Ordinal)..].Split(Environment.NewLine);
        Assert.Contains("100%", last[0], StringComparison.Ordinal);
        Assert.Contains("loss", last[1], StringComparison.Ordinal);
        Assert.Equal(80, last[1].Length);
        Assert.DoesNotContain("plain", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_note_stands_above_the_block()
    {
        using var error = new StringWriter();
        var clock = new SteppedTime { Now = TimeSpan.FromSeconds(1) };
        var view = new TrainingView(error, clock, width: 80, TimeSpan.Zero, ["loss"], static _ => "plain");
        clock.Now += TimeSpan.FromSeconds(1);
        view.Report(Progress(1, "lr"));
        view.Note("a checkpoint was damaged");
        var text = error.ToString();
        Assert.Contains($"\x1b[2A\x1b[Ja checkpoint was damaged{Environment.NewLine}", text, StringComparison.Ordinal);
        Assert.EndsWith($"{Environment.NewLine}", text, StringComparison.Ordinal);
        Assert.Equal(2, text.Split("loss  ").Length - 1);
    }

    private static TrainingProgress Progress(int step, string metric) =>
        new(step, 100, 1.0 / step, 1000, TimeSpan.FromSeconds(90), new Dictionary<string, double> { ["loss"] = 1.0 / step, [metric] = 1 });

    private static string[] Lines(StringWriter writer) => writer.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    private sealed class SteppedTime : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
