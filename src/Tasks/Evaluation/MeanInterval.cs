namespace MiniMaxSharp.Tasks;

/// <summary>A mean over independent runs, such as seeds, with Student's 95 % interval.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="HalfWidth">Half the width of the interval, t · s / √n with n − 1 degrees of freedom; infinite for one value.</param>
public readonly record struct MeanInterval(double Mean, double HalfWidth)
{
    /// <summary>The 97.5 % points of Student's t for 1 to 30 degrees of freedom.</summary>
    private static readonly double[] points =
    [
        12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314,
        2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
    ];

    /// <summary>Lower end.</summary>
    public double Low => Mean - HalfWidth;

    /// <summary>Upper end.</summary>
    public double High => Mean + HalfWidth;

    /// <summary>The interval of the mean of some values.</summary>
    /// <exception cref="ArgumentException">There are no values.</exception>
    public static MeanInterval Of(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            throw new ArgumentException("A mean needs a value.", nameof(values));
        }

        var mean = values.Average();
        if (values.Count == 1)
        {
            return new MeanInterval(mean, double.PositiveInfinity);
        }

        var variance = values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1);
        return new MeanInterval(mean, Point(values.Count - 1) * Math.Sqrt(variance / values.Count));
    }

    /// <summary>The 97.5 % point; above 30 degrees of freedom by the first terms of the expansion around the normal point.</summary>
    private static double Point(int freedom)
    {
        const double z = 1.959964;
        return freedom <= points.Length ? points[freedom - 1] : z + (((z * z * z) + z) / (4.0 * freedom));
    }
}
