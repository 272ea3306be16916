using MiniMaxSharp.Training;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary>Progress of a training run: a plain line every few seconds and at each evaluation.</summary>
internal sealed class StepLine(TextWriter error, TimeProvider time) : IProgress<TrainingProgress>
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(5);
    private long last = time.GetTimestamp();

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        var evaluated = value.Metrics.TryGetValue("eval/loss", out var evaluation);
        if (evaluated || time.GetElapsedTime(last) >= interval)
        {
            last = time.GetTimestamp();
            error.WriteLine(
                Invariant($"step {value.Step} of {value.Steps}, loss {value.Loss:F4}, {value.TokensPerSecond:N0} tokens/s, {value.TimeLeft.TotalSeconds:0} s left")
                + (evaluated ? Invariant($", held-out loss {evaluation:F4}") : ""));
        }
    }
}
