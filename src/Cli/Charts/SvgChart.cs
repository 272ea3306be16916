using System.Net;
using System.Text;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary>Charts as inline SVG; colours are classes of the page, so that it can be light or dark.</summary>
internal static class SvgChart
{
    private const int Width = 460;
    private const int Height = 230;
    private const int Left = 56;
    private const int Right = 12;
    private const int Top = 12;
    private const int Bottom = 30;
    private const int MaxPoints = 600;

    /// <summary>One line of a chart.</summary>
    public sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points);

    /// <summary>Lines over a common x axis. Long series are thinned to the mean of neighbours; values that are not finite are left out.</summary>
    public static string Lines(IReadOnlyList<Series> series, bool logarithmic = false)
    {
        var thin = series.Select(static one => one with { Points = Thin(one.Points) }).ToList();
        var x = new Axis(thin.SelectMany(static one => one.Points.Select(static point => point.X)), Left, Width - Right);
        var y = new Axis(thin.SelectMany(static one => one.Points.Select(static point => point.Y)), Height - Bottom, Top, logarithmic);
        var svg = Begin(Height).Append(Grid(x, y));
        foreach (var (i, one) in thin.Index())
        {
            svg.Append(Invariant($"<polyline class=\"line c{i % 6}\" points=\""));
            svg.AppendJoin(' ', one.Points.Select(point => Invariant($"{x.At(point.X):F1},{y.At(point.Y):F1}")));
            svg.Append(Invariant($"\"><title>{WebUtility.HtmlEncode(one.Name)}</title></polyline>"));
        }

        return svg.Append("</svg>").Append(series.Count > 1 ? Legend(series) : "").ToString();
    }

    /// <summary>Points with the diagonal on which both values are equal.</summary>
    public static string Scatter(IReadOnlyList<(double X, double Y)> points)
    {
        var all = points.SelectMany(static point => new[] { point.X, point.Y }).ToList();
        Axis x = new(all, Left, Width - Right), y = new(all, Height - Bottom, Top);
        var (low, high) = all.Count == 0 ? (0, 1) : (all.Min(), all.Max());
        var svg = Begin(Height).Append(Grid(x, y));
        svg.Append(Invariant($"<line class=\"diagonal\" x1=\"{x.At(low):F1}\" y1=\"{y.At(low):F1}\" x2=\"{x.At(high):F1}\" y2=\"{y.At(high):F1}\"/>"));
        foreach (var (a, b) in points)
        {
            svg.Append(Invariant($"<circle class=\"dot\" cx=\"{x.At(a):F1}\" cy=\"{y.At(b):F1}\" r=\"1.6\"/>"));
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>Rows of values over steps as a heat map; the strongest colour is the largest value.</summary>
    public static string HeatMap(IReadOnlyList<Series> rows, bool logarithmic = false)
    {
        const int rowHeight = 16, left = 92;
        var thin = rows.Select(static row => row with { Points = Thin(row.Points, 60) }).ToList();
        var x = new Axis(thin.SelectMany(static row => row.Points.Select(static point => point.X)), left, Width - Right);
        var strength = new Axis(thin.SelectMany(static row => row.Points.Select(static point => point.Y)), 0.04, 1, logarithmic);
        var height = Top + (rowHeight * thin.Count) + Bottom;
        var svg = Begin(height);
        foreach (var (i, row) in thin.Index())
        {
            var top = Top + (rowHeight * i);
            svg.Append(Invariant($"<text class=\"label\" x=\"{left - 6}\" y=\"{top + 12}\" text-anchor=\"end\">{WebUtility.HtmlEncode(row.Name)}</text>"));
            for (var k = 0; k < row.Points.Count; k++)
            {
                var from = x.At(row.Points[k].X);
                var to = k + 1 < row.Points.Count ? x.At(row.Points[k + 1].X) : Width - Right;
                svg.Append(Invariant($"<rect class=\"cell\" x=\"{from:F1}\" y=\"{top}\" width=\"{Math.Max(1, to - from + 0.3):F1}\" height=\"{rowHeight - 1}\" opacity=\"{strength.At(row.Points[k].Y):F2}\"><title>{WebUtility.HtmlEncode(row.Name)}, step {row.Points[k].X:F0}: {Axis.Text(row.Points[k].Y)}</title></rect>"));
            }
        }

        foreach (var (value, text) in x.Ticks())
        {
            svg.Append(Invariant($"<text class=\"label\" x=\"{x.At(value):F1}\" y=\"{height - 12}\" text-anchor=\"middle\">{text}</text>"));
        }

        return svg.Append("</svg>").ToString();
    }

    private static StringBuilder Begin(int height) => new(Invariant($"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\">"));

    private static StringBuilder Grid(Axis x, Axis y)
    {
        var svg = new StringBuilder();
        foreach (var (value, text) in y.Ticks())
        {
            svg.Append(Invariant($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y.At(value):F1}\" y2=\"{y.At(value):F1}\"/>"));
            svg.Append(Invariant($"<text class=\"label\" x=\"{Left - 6}\" y=\"{y.At(value) + 4:F1}\" text-anchor=\"end\">{text}</text>"));
        }

        foreach (var (value, text) in x.Ticks())
        {
            svg.Append(Invariant($"<text class=\"label\" x=\"{x.At(value):F1}\" y=\"{Height - 12}\" text-anchor=\"middle\">{text}</text>"));
        }

        return svg;
    }

    private static string Legend(IReadOnlyList<Series> series) =>
        "<p class=\"legend\">" + string.Join(' ', series.Select(static (one, i) => Invariant($"<span class=\"k{i % 6}\">{WebUtility.HtmlEncode(one.Name)}</span>"))) + "</p>";

    private static List<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points, int most = MaxPoints)
    {
        var finite = points.Where(static point => double.IsFinite(point.Y)).ToList();
        var group = (finite.Count + most - 1) / most;
        return group <= 1 ? finite : [.. finite.Chunk(group).Select(static chunk => (chunk[0].X, chunk.Average(static point => point.Y)))];
    }
}
