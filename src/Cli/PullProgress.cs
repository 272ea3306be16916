using MiniMaxSharp.Inference;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary>
/// Progress of a download: one line that is redrawn on a terminal, otherwise a plain line every ten seconds. The rate counts only what came over
/// the network; the time left follows from the last half minute.
/// </summary>
internal sealed class PullProgress(TextWriter error, bool isTerminal, TimeProvider time) : IProgress<HubProgress>
{
    private const int Width = 79;
    private static readonly TimeSpan window = TimeSpan.FromSeconds(30);
    private readonly TimeSpan interval = isTerminal ? TimeSpan.FromSeconds(0.2) : TimeSpan.FromSeconds(10);
    private readonly long start = time.GetTimestamp();
    private readonly Queue<(TimeSpan Time, long Bytes)> samples = new([(TimeSpan.Zero, 0L)]);
    private readonly Lock gate = new();
    private TimeSpan last;
    private bool lineIsOpen;

    /// <inheritdoc/>
    public void Report(HubProgress value)
    {
        lock (gate)
        {
            var elapsed = time.GetElapsedTime(start);
            if (elapsed - last < interval)
            {
                return;
            }

            last = elapsed;
            var line = Line(value, Rate(elapsed, value.ReceivedBytes));
            lineIsOpen = isTerminal;
            error.Write(isTerminal ? $"\r{line,-Width}" : line + Environment.NewLine);
        }
    }

    /// <summary>A line of its own between the progress.</summary>
    public void Note(string text)
    {
        lock (gate)
        {
            Clear();
            error.WriteLine(text);
        }
    }

    /// <summary>Clears the line on a terminal.</summary>
    public void Finish()
    {
        lock (gate)
        {
            Clear();
        }
    }

    private static string Line(HubProgress value, double rate)
    {
        var left = rate > 0 ? Duration(TimeSpan.FromSeconds(Math.Min((value.TotalBytes - value.DoneBytes) / rate, 1e8))) + " left" : "time left unknown";
        return Invariant($"{ByteSize.Format(value.DoneBytes)} of {ByteSize.Format(value.TotalBytes)} ({100.0 * value.DoneBytes / Math.Max(1, value.TotalBytes):0}%), ")
            + Invariant($"{ByteSize.Format(rate)}/s, {left}, {value.DoneFiles} of {value.TotalFiles} files");
    }

    private static string Duration(TimeSpan span) => span switch
    {
        { TotalHours: >= 1 } => Invariant($"{(long)span.TotalHours} h {span.Minutes:00} min"),
        { TotalMinutes: >= 1 } => Invariant($"{span.Minutes} min {span.Seconds:00} s"),
        _ => Invariant($"{span.TotalSeconds:0} s"),
    };

    private double Rate(TimeSpan elapsed, long receivedBytes)
    {
        samples.Enqueue((elapsed, receivedBytes));
        while (samples.Count > 2 && elapsed - samples.Peek().Time > window)
        {
            samples.Dequeue();
        }

        var (firstTime, firstBytes) = samples.Peek();
        return (receivedBytes - firstBytes) / (elapsed - firstTime).TotalSeconds;
    }

    private void Clear()
    {
        if (lineIsOpen)
        {
            error.Write($"\r{"",-Width}\r");
            lineIsOpen = false;
        }
    }
}
