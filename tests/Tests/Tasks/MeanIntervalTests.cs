using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests.Tasks;

public sealed class MeanIntervalTests
{
    [Fact]
    public void Three_values_have_the_interval_of_two_degrees_of_freedom()
    {
        var interval = MeanInterval.Of([1.0, 2.0, 3.0]);
        Assert.Equal(2, interval.Mean);
        Assert.Equal(4.3027 / Math.Sqrt(3), interval.HalfWidth, 4);
        Assert.Equal((2 - interval.HalfWidth, 2 + interval.HalfWidth), (interval.Low, interval.High));
    }

    [Fact]
    public void Many_values_come_near_the_normal_interval()
    {
        var values = Enumerable.Range(0, 101).Select(static i => i % 2 == 0 ? -1.0 : 1.0).ToArray();
        var deviation = Math.Sqrt(values.Sum(value => Math.Pow(value - values.Average(), 2)) / 100);
        Assert.Equal(1.98397 * deviation / Math.Sqrt(101), MeanInterval.Of(values).HalfWidth, 3); // The 97.5 % point for 100 degrees of freedom.
    }

    [Fact]
    public void One_value_says_nothing_about_its_spread() => Assert.Equal(double.PositiveInfinity, MeanInterval.Of([5.0]).HalfWidth);

    [Fact]
    public void No_value_has_no_mean() => Assert.Throws<ArgumentException>(static () => MeanInterval.Of([]));
}
