using System.Globalization;

namespace MiniMaxSharp.Cli;

/// <summary>A linear or logarithmic axis from values to pixels.</summary>
internal sealed class Axis
{
    private readonly double low;
    private readonly double high;
    private readonly double start;
    private readonly double end;
    private readonly bool logarithmic;

    /// <summary>An axis over finite values; a logarithmic one needs positive values and stays linear otherwise.</summary>
    public Axis(IEnumerable<double> values, double start, double end, bool logarithmic = false)
    {
        var finite = values.Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        (low, high) = (finite.Min(), finite.Max());
        this.logarithmic = logarithmic && low > 0;
        if (high <= low)
        {
            var margin = low == 0 ? 1 : Math.Abs(low) / 2;
            (low, high) = (low - margin, high + margin);
        }

        (this.start, this.end) = (start, end);
    }

    /// <summary>Where a value lies, in pixels.</summary>
    public double At(double value) => start + ((end - start) * (Scale(value) - Scale(low)) / (Scale(high) - Scale(low)));

    /// <summary>Round values within the axis, with their texts.</summary>
    public IEnumerable<(double Value, string Text)> Ticks()
    {
        if (logarithmic && high / low > 20)
        {
            for (var power = Math.Ceiling(Math.Log10(low)); power <= Math.Log10(high); power++)
            {
                yield return (Math.Pow(10, power), Text(Math.Pow(10, power)));
            }

            yield break;
        }

        var rough = (high - low) / 5;
        var unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = unit * ((rough / unit) switch { < 1.5 => 1, < 3.5 => 2, < 7.5 => 5, _ => 10 });
        for (var i = Math.Ceiling(low / step); i * step <= high + (step * 1e-9); i++)
        {
            yield return (i * step, Text(i * step));
        }
    }

    /// <summary>A number of an axis or a table, short.</summary>
    public static string Text(double value) => Math.Abs(value) switch
    {
        0 => "0",
        >= 1e6 => (value / 1e6).ToString("G4", CultureInfo.InvariantCulture) + "M",
        >= 1e4 => (value / 1e3).ToString("G4", CultureInfo.InvariantCulture) + "k",
        _ => value.ToString("G4", CultureInfo.InvariantCulture),
    };

    private double Scale(double value) => logarithmic ? Math.Log10(Math.Max(value, double.Epsilon)) : value;
}
