namespace MiniMaxSharp.Inference;

/// <content>The reference twin: double precision, a full sort, no cleverness.</content>
public sealed partial class Sampler
{
    /// <summary>The token that <see cref="Sample"/> draws with the random number <paramref name="u"/>.</summary>
    internal static int SampleReference(
        ReadOnlySpan<float> logits, SamplingParams p, int usable, IReadOnlyList<int> prompt, IReadOnlyList<int> generated, IReadOnlyList<int> banned, double u)
    {
        var l = logits.ToArray();
        foreach (var (id, bias) in p.LogitBias ?? new Dictionary<int, float>())
        {
            l[id] += bias;
        }

        foreach (var id in banned)
        {
            l[id] = float.NegativeInfinity;
        }

        foreach (var id in prompt.Concat(generated).Distinct())
        {
            var count = generated.Count(g => g == id);
            var penalised = l[id] > 0 ? l[id] / p.RepetitionPenalty : l[id] * p.RepetitionPenalty;
            l[id] = (float)(penalised - (p.FrequencyPenalty * count) - (count > 0 ? p.PresencePenalty : 0));
        }

        var best = Enumerable.Range(0, usable).OrderByDescending(id => l[id]).ThenBy(id => id).ToList();
        if (p.IsGreedy)
        {
            return best[0];
        }

        double Weight(int id) => Math.Exp((l[id] - (double)l[best[0]]) / p.Temperature);
        var kept = best.Where(id => Weight(id) >= p.MinP).Take(p.TopK > 0 ? p.TopK : usable).ToList();
        if (p.TopP < 1)
        {
            var (target, reached, count) = (p.TopP * kept.Sum(Weight), 0.0, 0);
            do
            {
                reached += Weight(kept[count++]);
            }
            while (reached < target && count < kept.Count);
            kept = kept[..count];
        }

        kept.Sort();
        var (draw, sum) = (u * kept.Sum(Weight), 0.0);
        return kept.First(id => (sum += Weight(id)) > draw || id == kept[^1]);
    }
}
