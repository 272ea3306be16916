using MiniMaxSharp.Training;
using ScottPlot;

namespace MiniMaxSharp.Cli;

/// <summary>Draws a metric of the arms of a study over the steps: the mean of each arm's runs, and the runs themselves thin behind it.</summary>
internal static class ArmsPlot
{
    private const double Faint = 0.25;

    /// <summary>Writes the plot, PNG or SVG by the ending of <paramref name="path"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="metric">Name of the metric.</param>
    /// <param name="arms">Arms with their run folders.</param>
    public static void Save(string path, string metric, IReadOnlyList<(string Name, IReadOnlyList<string> Folders)> arms)
    {
        using var plot = new Plot();
        foreach (var (i, (name, folders)) in arms.Index())
        {
            var color = plot.Add.Palette.GetColor(i);
            var runs = folders.Select(folder => RunMetrics.Read(folder)[metric]).Where(static column => column.Count > 0).ToArray();
            foreach (var run in runs)
            {
                Add(plot, run, color.WithAlpha(Faint), 1);
            }

            // A mean only where every run has the step: of fewer runs it would jump.
            var mean = runs.SelectMany(static run => run).GroupBy(static one => one.Step).Where(group => group.Count() == runs.Length)
                .OrderBy(static group => group.Key).Select(static group => (group.Key, group.Average(static one => one.Value))).ToArray();
            Add(plot, mean, color, 3).LegendText = name;
        }

        plot.Title(metric);
        plot.XLabel("step");
        plot.ShowLegend(Edge.Right);
        PlotFile.Save(plot, path);
    }

    private static ScottPlot.Plottables.Scatter Add(Plot plot, IReadOnlyList<(long Step, double Value)> points, Color color, float width)
    {
        var line = plot.Add.Scatter(points.Select(static one => (double)one.Step).ToArray(), points.Select(static one => one.Value).ToArray(), color);
        line.LineWidth = width;
        line.MarkerSize = 0;
        return line;
    }
}
