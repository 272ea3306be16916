namespace MiniMaxSharp.Tasks;

/// <summary>Scores of n samples a question.</summary>
public static class PassAtK
{
    /// <summary>The chance that at least one of k samples is right: 1 − C(n−c, k) / C(n, k), without large binomials.</summary>
    /// <param name="n">Samples of the question.</param>
    /// <param name="c">Samples that are right.</param>
    /// <param name="k">Samples that may be taken, 1 to n.</param>
    public static double Any(int n, int c, int k) => 1 - NoneOf(n, n - c, k, nameof(Any));

    /// <summary>The chance that all of k samples are right (pass^k): C(c, k) / C(n, k).</summary>
    public static double All(int n, int c, int k) => NoneOf(n, c, k, nameof(All));

    /// <summary>avg@n over questions: the mean of the questions' means.</summary>
    /// <param name="scores">scores[question][sample], each 0 to 1.</param>
    public static double Average(IReadOnlyList<IReadOnlyList<double>> scores) => scores.Average(samples => samples.Average());

    /// <summary>
    /// Standard error of the mean over all samples, clustered by question: √(Σ_q (Σ_i (s_qi − mean))²) / N. Samples of one question
    /// resemble each other, so counting them as independent would understate it.
    /// </summary>
    /// <param name="scores">scores[question][sample].</param>
    public static double ClusteredStandardError(IReadOnlyList<IReadOnlyList<double>> scores)
    {
        var count = scores.Sum(samples => samples.Count);
        var mean = scores.Sum(samples => samples.Sum()) / count;
        var squares = scores.Sum(samples => Math.Pow(samples.Sum(score => score - mean), 2));
        return Math.Sqrt(squares) / count;
    }

    /// <summary>C(marked, k) / C(n, k) = ∏ (marked − i) / (n − i).</summary>
    private static double NoneOf(int n, int marked, int k, string caller)
    {
        if (k < 1 || k > n || marked < 0 || marked > n)
        {
            throw new ArgumentOutOfRangeException(nameof(k), $"{caller}: needs 0 ≤ c ≤ n and 1 ≤ k ≤ n, not n = {n}, k = {k}.");
        }

        var ratio = 1.0;
        for (var i = 0; i < k; i++)
        {
            ratio *= Math.Max(0, marked - i) / (double)(n - i);
        }

        return ratio;
    }
}
