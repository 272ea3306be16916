using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

internal sealed class StepLine(TextWriter error) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Step % 50 == 0)
        {
            error.WriteLine(FormattableString.Invariant($"{value.Step}/{value.Steps} loss {value.Loss:F3} {value.TokensPerSecond:F0} tok/s {value.TimeLeft.TotalSeconds:F0} s left") + (value.Metrics.TryGetValue("eval/loss", out var e) ? $" eval {e:F4}" : ""));
        }
    }
}
