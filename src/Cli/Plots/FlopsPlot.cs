using MiniMaxSharp.Inference;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace MiniMaxSharp.Cli;

/// <summary>One line of the plot: a model and its decode FLOPs.</summary>
internal sealed record FlopsLine(string Name, DecodeFlops Flops);

/// <summary>Draws FLOPs against context length: of one token on the left, cumulative on the right.</summary>
internal static class FlopsPlot
{
    private const int Width = 1400;
    private const int Height = 620;
    private const int Margin = 8;
    private const int Points = 257;
    private static readonly string[] SansSerif = ["Inter", "Noto Sans", "Liberation Sans", "DejaVu Sans", "Segoe UI", "Helvetica Neue", "Arial"];
    private static readonly string[] Colours = ["#d1495b", "#30638e", "#edae49", "#66a182"];

    /// <summary>
    /// Writes the plot to <paramref name="path"/>, PNG or SVG by its ending. The file appears complete or not at all.
    /// </summary>
    /// <exception cref="InvalidInputException">Another ending, or a place that cannot be written.</exception>
    public static void Save(string path, IReadOnlyList<FlopsLine> lines, long longestContext)
    {
        CheckEnding(path);
        using var drawing = new MemoryStream();
        Write(drawing, IsSvg(path), lines, longestContext);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Path.GetRandomFileName()}");
        try
        {
            File.WriteAllBytes(temporary, drawing.ToArray());
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be written: {error.Message} Name a file in a folder that exists and is writable.", error);
        }
        finally
        {
            // Gone already, unless something failed.
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }
        }
    }

    /// <summary>Throws when the ending of <paramref name="path"/> is neither .png nor .svg.</summary>
    public static void CheckEnding(string path)
    {
        if (!IsSvg(path) && !Path.GetExtension(path).Equals(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidInputException($"--plot {path}: a plot is written as .png or .svg. Give the file one of these endings.");
        }
    }

    private static bool IsSvg(string path) => Path.GetExtension(path).Equals(".svg", StringComparison.OrdinalIgnoreCase);

    private static void Write(Stream file, bool svg, IReadOnlyList<FlopsLine> lines, long longestContext)
    {
        Plot[] panels =
        [
            Panel("FLOPs of one token that sees n keys", lines, longestContext, static (flops, n) => flops.PerToken(n)),
            Panel("FLOPs of generating n tokens (cumulative)", lines, longestContext, static (flops, n) => flops.Cumulative(n)),
        ];
        if (svg)
        {
            using var canvas = SKSvgCanvas.Create(new SKRect(0, 0, Width, Height), file);
            Draw(canvas, panels);
        }
        else
        {
            using var surface = SKSurface.Create(new SKImageInfo(Width, Height));
            Draw(surface.Canvas, panels);
            using var image = surface.Snapshot();
            using var encoded = image.Encode(SKEncodedImageFormat.Png, 100);
            encoded.SaveTo(file);
        }
    }

    private static void Draw(SKCanvas canvas, Plot[] panels)
    {
        canvas.Clear(SKColors.White);
        var width = Width / panels.Length;
        for (var i = 0; i < panels.Length; i++)
        {
            panels[i].RenderManager.ClearCanvasBeforeEachRender = false;
            panels[i].Render(canvas, new PixelRect((i * width) + Margin, (i + 1) * width, Height, Margin));
        }
    }

    private static Plot Panel(string title, IReadOnlyList<FlopsLine> lines, long longestContext, Func<DecodeFlops, long, Int128> measure)
    {
        var plot = new Plot();
        var largest = lines.Max(line => (double)measure(line.Flops, longestContext));
        var (unit, divisor) = FlopsUnits.For(largest);
        var xs = Enumerable.Range(0, Points).Select(i => (double)longestContext * i / (Points - 1)).ToArray();
        for (var i = 0; i < lines.Count; i++)
        {
            var ys = xs.Select(n => (double)measure(lines[i].Flops, (long)n) / divisor).ToArray();
            var line = plot.Add.ScatterLine(xs, ys, Color.FromHex(Colours[i % Colours.Length]));
            line.LegendText = lines[i].Name;
            line.LineWidth = 3;
        }

        plot.Axes.SetLimits(0, longestContext, 0, largest / divisor * 1.05);
        plot.Axes.Bottom.TickGenerator = ContextTicks(longestContext);
        plot.Axes.Left.TickGenerator = new NumericAutomatic { TargetTickCount = 8 };
        plot.Title(title);
        plot.XLabel("n, context length in tokens (1K = 1024)");
        plot.YLabel($"{unit} (one multiply-add = 2)");
        Style(plot);
        return plot;
    }

    private static void Style(Plot plot)
    {
        plot.Axes.Title.Label.FontSize = 19;
        foreach (IAxis axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left])
        {
            axis.Label.FontSize = 16;
            axis.Label.Bold = false;
            axis.TickLabelStyle.FontSize = 14;
        }

        plot.Axes.Top.FrameLineStyle.IsVisible = false;
        plot.Axes.Right.FrameLineStyle.IsVisible = false;
        // Room for the last tick label, which stands half outside the axes.
        plot.Axes.Right.MinimumSize = 30;
        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(.08);
        var legend = plot.ShowLegend(Alignment.UpperLeft);
        legend.FontSize = 16;
        legend.OutlineWidth = 0;
        legend.ShadowColor = Colors.Transparent;
        plot.Font.Set(SansSerif.FirstOrDefault(SKFontManager.Default.FontFamilies.Contains) ?? Fonts.Default);
    }

    // Four to eight steps of a power of two, so that the labels are the lengths that people speak of.
    private static NumericManual ContextTicks(long longestContext)
    {
        var step = 1L;
        while (longestContext / step > 8)
        {
            step *= 2;
        }

        var ticks = new NumericManual();
        for (var n = 0L; n <= longestContext; n += step)
        {
            ticks.AddMajor(n, FlopsUnits.Tokens(n));
        }

        return ticks;
    }
}
