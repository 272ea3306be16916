using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary>
/// Progress of a training run. On a terminal a block that is redrawn: a bar, rate, time left, and a line with a curve for each chosen metric; otherwise a plain
/// line every few seconds and at each evaluation.
/// </summary>
internal sealed class TrainingView : IProgress<TrainingProgress>
{
    private const int BarWidth = 24;
    private const int LabelWidth = 40;
    private static readonly TimeSpan drawn = TimeSpan.FromSeconds(0.25);
    private readonly TextWriter error;
    private readonly TimeProvider time;
    private readonly int? width;
    private readonly TimeSpan pause;
    private readonly Func<TrainingProgress, string> line;
    private readonly List<(string Metric, List<double> Values)> curves;
    private long last;
    private int openLines;
    private TrainingProgress? shown;

    /// <summary>A view on <paramref name="error"/>.</summary>
    /// <param name="error">Where it is written.</param>
    /// <param name="time">The clock of the pauses between lines.</param>
    /// <param name="width">Columns of the terminal; null: no terminal.</param>
    /// <param name="pause">Between two plain lines; an evaluation does not wait.</param>
    /// <param name="metrics">Metrics with a curve, where the run has them.</param>
    /// <param name="line">The plain line of a step.</param>
    public TrainingView(TextWriter error, TimeProvider time, int? width, TimeSpan pause, IEnumerable<string> metrics, Func<TrainingProgress, string> line)
    {
        this.error = error;
        this.time = time;
        this.width = width;
        this.pause = pause;
        this.line = line;
        curves = [.. metrics.Select(static metric => (metric, new List<double>()))];
        last = time.GetTimestamp();
    }

    /// <summary>Columns of the terminal behind <paramref name="error"/>; null when there is none.</summary>
    public static int? TerminalWidth(TextWriter error) => ProgressLine.IsTerminal(error) && Console.WindowWidth > LabelWidth ? Console.WindowWidth - 1 : null;

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        foreach (var (metric, values) in curves)
        {
            if (value.Metrics.TryGetValue(metric, out var found))
            {
                values.Add(found);
            }
        }

        var waited = time.GetElapsedTime(last);
        var due = width is null
            ? waited >= pause || value.Metrics.Keys.Any(static name => name.StartsWith("eval/", StringComparison.Ordinal))
            : waited >= drawn || value.Step == value.Steps;
        shown = value;
        if (due)
        {
            last = time.GetTimestamp();
            Draw();
        }
    }

    /// <summary>Writes a line of its own; what is drawn moves below it.</summary>
    public void Note(string text)
    {
        Clear();
        error.WriteLine(text);
        if (width is not null && shown is not null)
        {
            Draw();
        }
    }

    private void Draw()
    {
        if (width is not { } columns)
        {
            error.WriteLine(line(shown!));
            return;
        }

        Clear();
        foreach (var text in Block(shown!, columns))
        {
            error.WriteLine(text.Length <= columns ? text : text[..columns]);
            openLines++;
        }
    }

    private void Clear()
    {
        if (openLines > 0)
        {
            error.Write(Invariant($"\x1b[{openLines}A\x1b[J")); // Up to the first line of the block; clear to the end of the screen.
            openLines = 0;
        }
    }

    private IEnumerable<string> Block(TrainingProgress value, int columns)
    {
        var done = (double)value.Step / Math.Max(1, value.Steps);
        var bar = new string('█', (int)(done * BarWidth)).PadRight(BarWidth, '░');
        yield return Invariant($"{bar} {100 * done,3:0}%  step {value.Step:N0} of {value.Steps:N0}, {value.TokensPerSecond:N0} tokens/s, {Duration(value.TimeLeft)} left");
        foreach (var (metric, values) in curves.Where(static curve => curve.Values.Count > 0))
        {
            var text = Invariant($"{metric,-28} {Axis.Text(values[^1]),10} ");
            yield return text + Sparkline.Of(values, Math.Max(1, columns - text.Length));
        }
    }

    private static string Duration(TimeSpan left) => left.TotalHours >= 1 ? Invariant($"{(int)left.TotalHours} h {left.Minutes} min")
        : left.TotalMinutes >= 1 ? Invariant($"{left.Minutes} min {left.Seconds} s")
        : Invariant($"{left.TotalSeconds:0} s");
}
