namespace MiniMaxSharp.Training;

/// <summary>What a run came to.</summary>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="Tokens">Tokens of the whole run.</param>
/// <param name="Loss">Mean training loss of the last steps, in nats a token.</param>
/// <param name="EvaluationLoss">Loss on what was held out; null without evaluation.</param>
/// <param name="Checkpoint">Folder of the last checkpoint.</param>
/// <param name="Elapsed">Time of this process.</param>
public sealed record TrainingResult(int Steps, long Tokens, double Loss, double? EvaluationLoss, string Checkpoint, TimeSpan Elapsed)
{
    /// <summary>The loss that a goal is about.</summary>
    public double FinalLoss => EvaluationLoss ?? Loss;
}

/// <summary>The loss or a gradient was not finite. Nothing was changed by that step.</summary>
public sealed class NonFiniteLossException(string message) : Exception(message);
