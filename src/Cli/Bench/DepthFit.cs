using System.Globalization;

namespace MiniMaxSharp.Cli;

/// <summary>
/// Least-squares line of the seconds of a decoded token against depth n: <paramref name="Seconds"/> + <paramref name="SecondsPerToken"/> · n.
/// Decoding that is bound by memory has the slope of the keys and values that it reads.
/// </summary>
/// <param name="Test">The test, such as <c>tg64</c>.</param>
/// <param name="Seconds">Seconds at depth 0.</param>
/// <param name="SecondsPerToken">Seconds that each token before adds.</param>
/// <param name="R2">Share of the variance that the line explains.</param>
internal sealed record DepthFit(string Test, double Seconds, double SecondsPerToken, double R2)
{
    private const int FewestDepths = 3;

    /// <summary>The line through the decode rows; null below three depths.</summary>
    public static DepthFit? Of(IEnumerable<SpeedRow> rows)
    {
        var points = rows.Where(static row => row.BytesPerToken > 0).ToList();
        if (points.Select(static row => row.Depth).Distinct().Count() < FewestDepths)
        {
            return null;
        }

        var (n, t) = (points.Average(static row => (double)row.Depth), points.Average(static row => 1 / row.Median));
        double depths = 0, both = 0, times = 0;
        foreach (var row in points)
        {
            var (x, y) = (row.Depth - n, (1 / row.Median) - t);
            (depths, both, times) = (depths + (x * x), both + (x * y), times + (y * y));
        }

        var slope = both / depths;
        return new DepthFit(points[0].Name, t - (slope * n), slope, times > 0 ? slope * both / times : 1);
    }

    /// <summary>Bytes that the measured memory bandwidth would deliver in the slope.</summary>
    public double BytesPerToken(double bandwidth) => SecondsPerToken * bandwidth;

    /// <summary>One line: the line, and how its slope compares with the keys and values of a token.</summary>
    public string ToText(long keyValueBytes, double bandwidth) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Test}: {Seconds * 1e3:F3} ms + {SecondsPerToken * 1e9:F3} ns × depth (R² {R2:F4}). Keys and values are {keyValueBytes} bytes a token of depth: read at {keyValueBytes / SecondsPerToken / 1e9:F1} GB/s; at the measured {bandwidth / 1e9:F1} GB/s the slope is worth {BytesPerToken(bandwidth):F0} bytes.");
}
