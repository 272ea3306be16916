using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Shape of the decay.</summary>
public enum DecayShape
{
    /// <summary>Straight from peak to end.</summary>
    Linear,

    /// <summary>Half a cosine from peak to end.</summary>
    Cosine,
}

/// <summary>Learning rate of each step: linear warm-up from 0, constant, then decay (report 2.1: constant for a third, decay for two thirds).</summary>
/// <param name="Peak">Rate after the warm-up.</param>
/// <param name="End">Rate of the last step and after it.</param>
/// <param name="WarmupSteps">Steps of the warm-up; step 0 has Peak / WarmupSteps.</param>
/// <param name="ConstantSteps">Steps at the peak.</param>
/// <param name="DecaySteps">Steps of the decay.</param>
/// <param name="Shape">Shape of the decay.</param>
public sealed record LearningRateSchedule(
    double Peak, double End, int WarmupSteps, int ConstantSteps, int DecaySteps, DecayShape Shape = DecayShape.Cosine)
{
    /// <summary>Always the same rate.</summary>
    public static LearningRateSchedule Constant(double rate) => new(rate, rate, 0, 0, 0);

    /// <summary>Rate of step <paramref name="step"/>, counted from 0.</summary>
    public double At(int step)
    {
        if (step < WarmupSteps)
        {
            return Peak * (step + 1) / WarmupSteps;
        }

        var decayed = step - WarmupSteps - ConstantSteps + 1;
        var progress = decayed <= 0 ? 0 : DecaySteps == 0 ? 1 : Math.Min(1, (double)decayed / DecaySteps);
        return End + ((Peak - End) * (Shape == DecayShape.Linear ? 1 - progress : (1 + Math.Cos(Math.PI * progress)) / 2));
    }

    /// <summary>Refuses rates and lengths that make no sense.</summary>
    /// <exception cref="InvalidInputException">Says which.</exception>
    public void Validate()
    {
        if (!(Peak > 0) || !(End >= 0) || End > Peak || WarmupSteps < 0 || ConstantSteps < 0 || DecaySteps < 0)
        {
            throw new InvalidInputException($"{this} is no learning-rate schedule: the peak is above 0 and at least the end, and no number of steps is negative.");
        }
    }
}
