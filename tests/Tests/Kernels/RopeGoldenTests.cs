using System.Text.Json;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Kernels;

public class RopeGoldenTests
{
    [Fact]
    public void Frequencies_equal_the_official_ones_bit_for_bit_and_angles_hold_to_a_million_positions()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("model-facts/rope_m1.json")));
        var golden = document.RootElement;
        var expected = Floats(golden.GetProperty("inv_freq"));
        var frequencies = Rope.InverseFrequencies(golden.GetProperty("rotary_dim").GetInt32(), golden.GetProperty("rope_theta").GetDouble());
        Assert.Equal(expected, frequencies);
        float[] cos = new float[frequencies.Length], sin = new float[frequencies.Length];
        var positions = golden.GetProperty("positions").EnumerateArray().Select(p => p.GetInt32()).ToArray();
        for (var i = 0; i < positions.Length; i++)
        {
            Rope.Angles(positions[i], frequencies, cos, sin);
            AssertWithin(Floats(golden.GetProperty("cos")[i]), cos, $"cos at {positions[i]}");
            AssertWithin(Floats(golden.GetProperty("sin")[i]), sin, $"sin at {positions[i]}");
        }
    }

    private static float[] Floats(JsonElement array) => [.. array.EnumerateArray().Select(x => (float)x.GetDouble())];

    private static void AssertWithin(float[] expected, float[] actual, string what)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-7, $"{what}[{i}]: {actual[i]} instead of {expected[i]}");
        }
    }
}
