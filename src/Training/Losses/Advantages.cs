namespace MiniMaxSharp.Training;

/// <summary>What the centred rewards of a group are divided by.</summary>
public enum AdvantageScale
{
    /// <summary>The standard deviation of the group (equation 2).</summary>
    Group,

    /// <summary>The standard deviation of all rewards of the batch.</summary>
    Batch,

    /// <summary>Nothing.</summary>
    None,

    /// <summary>Nothing, and the baseline is the mean of the other answers of the group.</summary>
    LeaveOneOut,
}

/// <summary>Advantages of answers from their rewards.</summary>
public static class Advantages
{
    private const double Epsilon = 1e-6;

    /// <summary>Advantages of each group's answers, in order. Standard deviations are those of a sample (n − 1); a group of equal rewards gets 0.</summary>
    public static double[][] Of(IReadOnlyList<double[]> rewards, AdvantageScale scale)
    {
        var batchDeviation = scale == AdvantageScale.Batch ? Deviation([.. rewards.SelectMany(static group => group)]) : 0;
        return [.. rewards.Select(group => OfGroup(group, scale, batchDeviation))];
    }

    /// <summary>True when all rewards are equal, so that the group has nothing to teach.</summary>
    public static bool IsFlat(double[] rewards) => rewards.Length == 0 || rewards.Max() - rewards.Min() < Epsilon;

    /// <summary>The standard deviation of a sample; 0 of fewer than two values.</summary>
    public static double Deviation(double[] values)
    {
        if (values.Length < 2)
        {
            return 0;
        }

        var mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }

    private static double[] OfGroup(double[] rewards, AdvantageScale scale, double batchDeviation)
    {
        if (rewards.Length < 2 || IsFlat(rewards))
        {
            return new double[rewards.Length];
        }

        var mean = rewards.Average();
        var divisor = scale switch
        {
            AdvantageScale.Group => Deviation(rewards) + Epsilon,
            AdvantageScale.Batch => batchDeviation + Epsilon,
            AdvantageScale.LeaveOneOut => (rewards.Length - 1.0) / rewards.Length,
            _ => 1,
        };
        return [.. rewards.Select(reward => (reward - mean) / divisor)];
    }
}
