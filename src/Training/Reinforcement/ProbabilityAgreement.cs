namespace MiniMaxSharp.Training;

/// <summary>How well the probabilities of roll-out and trainer agree, token by token (report 3.2: 0.987 before, 0.997 after the FP32 head).</summary>
public sealed class ProbabilityAgreement
{
    private readonly List<(double Rollout, double Trainer)> pairs = [];

    /// <summary>Number of tokens.</summary>
    public int Count => pairs.Count;

    /// <summary>Takes the log-probabilities of an answer, but those where the loss mask, if there is one, is 0.</summary>
    public void Add(ReadOnlySpan<float> rollout, ReadOnlySpan<float> trainer, ReadOnlySpan<int> lossMask = default)
    {
        for (var t = 0; t < rollout.Length; t++)
        {
            if (lossMask.IsEmpty || lossMask[t] != 0)
            {
                pairs.Add((Math.Exp(rollout[t]), Math.Exp(trainer[t])));
            }
        }
    }

    /// <summary>Pearson's correlation; 1 where one side does not vary and both agree, else 0.</summary>
    public double Correlation
    {
        get
        {
            if (pairs.Count == 0)
            {
                return 1;
            }

            var (meanX, meanY) = (pairs.Average(static pair => pair.Rollout), pairs.Average(static pair => pair.Trainer));
            var (xx, yy, xy) = (0.0, 0.0, 0.0);
            foreach (var (x, y) in pairs)
            {
                xx += (x - meanX) * (x - meanX);
                yy += (y - meanY) * (y - meanY);
                xy += (x - meanX) * (y - meanY);
            }

            return xx * yy > 0 ? xy / Math.Sqrt(xx * yy) : pairs.All(static pair => Math.Abs(pair.Rollout - pair.Trainer) < 1e-4) ? 1 : 0;
        }
    }

    /// <summary>Adds the metrics under the names that users know; nothing where there is no token.</summary>
    public void Report(IDictionary<string, double> metrics)
    {
        if (pairs.Count == 0)
        {
            return;
        }

        var differences = pairs.Select(static pair => Math.Abs(pair.Rollout - pair.Trainer)).ToArray();
        metrics["rollout_probs_diff_mean"] = differences.Average();
        metrics["rollout_probs_diff_max"] = differences.Max();
        metrics["rollout_probs_diff_std"] = Advantages.Deviation(differences);
        metrics["rollout_actor_probs_pearson_corr"] = Correlation;
    }
}
