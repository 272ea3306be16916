using MiniMaxSharp.Tasks;
using ScottPlot;

namespace MiniMaxSharp.Cli;

/// <summary>Draws accuracy against thinking budget: a line for each task, and the mean of all.</summary>
internal static class AccuracyPlot
{
    /// <summary>Writes the plot, PNG or SVG by the ending of <paramref name="path"/>. The file appears complete or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="scores">Scores with two budgets or more. Levels and languages of a task are averaged.</param>
    public static void Save(string path, IReadOnlyList<TaskScore> scores)
    {
        using var plot = new Plot();
        foreach (var task in scores.GroupBy(score => score.Task))
        {
            Add(plot, task.Key, [.. task], 1.5f);
        }

        var mean = Add(plot, "mean", scores, 4);
        mean.Color = Colors.Black;
        plot.Axes.SetLimitsY(0, 1.02);
        plot.Title("Accuracy on held-out problems");
        plot.XLabel("thinking budget in tokens");
        plot.YLabel("share of right answers, greedy");
        plot.ShowLegend(Edge.Right);
        PlotFile.Save(plot, path);
    }

    private static ScottPlot.Plottables.Scatter Add(Plot plot, string name, IReadOnlyList<TaskScore> scores, float lineWidth)
    {
        var points = scores.GroupBy(score => score.Budget ?? 0).OrderBy(group => group.Key).ToArray();
        var line = plot.Add.Scatter(points.Select(group => (double)group.Key).ToArray(), points.Select(group => group.Average(score => score.GreedyAccuracy)).ToArray());
        line.LegendText = name;
        line.LineWidth = lineWidth;
        return line;
    }
}
