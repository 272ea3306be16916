namespace MiniMaxSharp.Cli;

/// <summary>
/// Progress of long work, with rate and time left: one line that is redrawn on a terminal, otherwise a plain line every ten seconds.
/// Work that ends within two seconds shows nothing.
/// </summary>
internal class ProgressLine(TextWriter error, long total, bool isTerminal, TimeProvider time, Func<double, string> format) : IProgress<long>
{
    private static readonly TimeSpan quiet = TimeSpan.FromSeconds(2);
    private readonly TimeSpan interval = isTerminal ? TimeSpan.FromSeconds(0.2) : TimeSpan.FromSeconds(10);
    private readonly long start = time.GetTimestamp();
    private TimeSpan last;
    private bool lineIsOpen;

    /// <summary>True when <paramref name="error"/> is a terminal of this process.</summary>
    public static bool IsTerminal(TextWriter error) => ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;

    /// <summary>Work done so far.</summary>
    public void Report(long value)
    {
        var elapsed = time.GetElapsedTime(start);
        if (elapsed < quiet || elapsed - last < interval)
        {
            return;
        }

        last = elapsed;
        var rate = value / elapsed.TotalSeconds;
        var left = (total - value) / Math.Max(rate, 1e-9);
        var line = FormattableString.Invariant(
            $"{format(value)} of {format(total)} ({100.0 * value / Math.Max(total, 1):0}%), {format(rate)}/s, {left:0} s left");
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

/// <summary>Progress in bytes.</summary>
internal sealed class ByteProgress(TextWriter error, long totalBytes, bool isTerminal, TimeProvider time)
    : ProgressLine(error, totalBytes, isTerminal, time, ByteSize.Format);

/// <summary>Progress in tokens.</summary>
internal sealed class TokenProgress(TextWriter error, long totalTokens, bool isTerminal, TimeProvider time)
    : ProgressLine(error, totalTokens, isTerminal, time, tokens => FormattableString.Invariant($"{tokens:0.#} tokens"));
