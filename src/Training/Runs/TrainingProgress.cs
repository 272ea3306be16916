namespace MiniMaxSharp.Training;

/// <summary>Where a run stands after a step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Loss">Of this step, in nats a token.</param>
/// <param name="TokensPerSecond">Of this step.</param>
/// <param name="TimeLeft">Estimate.</param>
/// <param name="Metrics">All metrics of this step by name.</param>
public sealed record TrainingProgress(long Step, long Steps, double Loss, double TokensPerSecond, TimeSpan TimeLeft, IReadOnlyDictionary<string, double> Metrics);
