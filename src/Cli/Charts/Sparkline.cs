namespace MiniMaxSharp.Cli;

/// <summary>A curve in one line of text.</summary>
internal static class Sparkline
{
    private const string Levels = "▁▂▃▄▅▆▇█";

    /// <summary>
    /// The values in at most <paramref name="width"/> characters, from the least to the largest of them; more values than characters are averaged in equal
    /// runs. A value that is not finite is a gap.
    /// </summary>
    public static string Of(IReadOnlyList<double> values, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var points = new double[Math.Min(width, values.Count)];
        for (var i = 0; i < points.Length; i++)
        {
            var (from, to) = ((int)((long)i * values.Count / points.Length), (int)((i + 1L) * values.Count / points.Length));
            var finite = Enumerable.Range(from, to - from).Select(at => values[at]).Where(double.IsFinite).ToList();
            points[i] = finite.Count == 0 ? double.NaN : finite.Average();
        }

        var drawn = points.Where(static point => !double.IsNaN(point)).DefaultIfEmpty().ToList();
        var (least, range) = (drawn.Min(), drawn.Max() - drawn.Min());
        return string.Concat(points.Select(point => double.IsNaN(point) ? ' '
            : range == 0 ? Levels[0]
            : Levels[(int)Math.Min(Levels.Length - 1, (point - least) / range * Levels.Length)]));
    }
}
