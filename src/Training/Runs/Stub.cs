namespace MiniMaxSharp.Training;

/// <summary>x</summary>
public sealed record TrainingProgress(long Step, long Steps, double Loss, double TokensPerSecond, TimeSpan TimeLeft, IReadOnlyDictionary<string, double> Metrics);

/// <summary>x</summary>
public sealed class RunLog : IDisposable
{
    private readonly StreamWriter w;
    /// <summary>x</summary>
    public RunLog(string runFolder, long resumedAtStep = 0) => w = new StreamWriter(Path.Combine(runFolder, "metrics.jsonl"), resumedAtStep > 0) { AutoFlush = true };
    /// <summary>x</summary>
    public void Log(long step, IReadOnlyDictionary<string, double> metrics) => w.WriteLine("{\"step\":" + step + "," + string.Join(",", metrics.Select(m => FormattableString.Invariant($"\"{m.Key}\":{m.Value:G6}"))) + "}");
    /// <inheritdoc/>
    public void Dispose() => w.Dispose();
}
