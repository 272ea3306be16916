namespace MiniMaxSharp.Cli;

/// <summary>
/// Progress of a long write, with rate and time left: one line that is redrawn on a terminal, otherwise a plain line every ten seconds.
/// </summary>
internal sealed class ByteProgress(TextWriter error, long totalBytes, bool isTerminal, TimeProvider time) : IProgress<long>
{
    private readonly TimeSpan interval = isTerminal ? TimeSpan.FromSeconds(0.2) : TimeSpan.FromSeconds(10);
    private readonly long start = time.GetTimestamp();
    private TimeSpan last;
    private bool lineIsOpen;

    /// <summary>True when <paramref name="error"/> is a terminal of this process.</summary>
    public static bool IsTerminal(TextWriter error) => ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;

    /// <summary>Bytes written so far.</summary>
    public void Report(long value)
    {
        var elapsed = time.GetElapsedTime(start);
        if (elapsed - last < interval)
        {
            return;
        }

        last = elapsed;
        var rate = value / elapsed.TotalSeconds;
        var left = (totalBytes - value) / Math.Max(rate, 1);
        var line = FormattableString.Invariant($"{ByteSize.Format(value)} of {ByteSize.Format(totalBytes)} ({100.0 * value / totalBytes:0}%), ")
            + FormattableString.Invariant($"{ByteSize.Format(rate)}/s, {left:0} s left");
        lineIsOpen = isTerminal;
        error.Write(isTerminal ? $"\r{line,-79}" : line + Environment.NewLine);
    }

    /// <summary>Clears the line on a terminal.</summary>
    public void Finish()
    {
        if (lineIsOpen)
        {
            error.Write($"\r{"",-79}\r");
        }
    }
}
