using System.Text.Json;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class PassAtKTests
{
    [Fact]
    public void Golden_values_are_met()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Fixtures.Golden("eval/passk_golden.json")));
        foreach (var row in golden.RootElement.EnumerateArray())
        {
            var (n, c, k) = (row.GetProperty("n").GetInt32(), row.GetProperty("c").GetInt32(), row.GetProperty("k").GetInt32());
            Assert.Equal(row.GetProperty("pass@k").GetDouble(), PassAtK.Any(n, c, k), 1e-12);
            Assert.Equal(row.GetProperty("pass^k").GetDouble(), PassAtK.All(n, c, k), 1e-12);
        }
    }

    [Fact]
    public void Both_equal_the_mean_over_all_choices_of_k_samples()
    {
        for (var c = 0; c <= 6; c++)
        {
            for (var k = 1; k <= 6; k++)
            {
                var choices = Enumerable.Range(0, 64).Where(set => int.PopCount(set) == k).ToArray();
                var right = (1 << c) - 1;
                Assert.Equal(choices.Average(set => (set & right) != 0 ? 1.0 : 0), PassAtK.Any(6, c, k), 1e-12);
                Assert.Equal(choices.Average(set => (set & right) == set ? 1.0 : 0), PassAtK.All(6, c, k), 1e-12);
            }
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => PassAtK.Any(4, 1, 5));
    }

    [Fact]
    public void Equal_samples_of_a_question_add_no_certainty()
    {
        double[][] once = [[1], [0], [1], [1]];
        double[][] eight = [.. once.Select(samples => Enumerable.Repeat(samples[0], 8).ToArray())];
        Assert.Equal(Math.Sqrt(0.75 * 0.25 / 4), PassAtK.ClusteredStandardError(once), 1e-12);
        Assert.Equal(PassAtK.ClusteredStandardError(once), PassAtK.ClusteredStandardError(eight), 1e-12);
        Assert.Equal(0.75, PassAtK.Average(eight), 1e-12);
    }
}
