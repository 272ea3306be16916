using System.Text;
using ScottPlot;

namespace MiniMaxSharp.Cli;

/// <summary>Plots as files.</summary>
internal static class PlotFile
{
    private const int Width = 1000;
    private const int Height = 620;

    /// <summary>Writes a plot, PNG or SVG by the ending of <paramref name="path"/>. The file appears complete or not at all.</summary>
    public static void Save(Plot plot, string path)
    {
        var bytes = Path.GetExtension(path).Equals(".svg", StringComparison.OrdinalIgnoreCase)
            ? Encoding.UTF8.GetBytes(plot.GetSvgXml(Width, Height))
            : plot.GetImageBytes(Width, Height, ImageFormat.Png);
        OutputFile.Write(path, target =>
        {
            File.WriteAllBytes(target + ".tmp", bytes);
            File.Move(target + ".tmp", target, overwrite: true);
        });
    }
}
