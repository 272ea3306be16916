using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class LightningSlopesTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("model-facts/slopes_m1_80x64.json"))).RootElement;

    [Fact]
    public void All_slopes_of_M1_equal_the_official_ones_bit_for_bit()
    {
        Assert.Equal(Row(Golden.GetProperty("base_slopes")), LightningSlopes.Base(64));
        var layer = 0;
        foreach (var row in Golden.GetProperty("slopes").EnumerateArray())
        {
            Assert.Equal(Row(row), LightningSlopes.ForLayer(layer++, 80, 64));
        }

        Assert.Equal(80, layer);
    }

    [Fact]
    public void Other_head_counts_equal_the_official_ones_bit_for_bit()
    {
        foreach (var row in Golden.GetProperty("other_head_counts").EnumerateObject())
        {
            Assert.Equal(Row(row.Value), LightningSlopes.Base(int.Parse(row.Name, System.Globalization.CultureInfo.InvariantCulture)));
        }
    }

    [Fact]
    public void The_last_layer_hardly_decays() => Assert.Equal(1e-5f, LightningSlopes.LayerFactor(79, 80));

    [Fact]
    public void One_layer_has_no_factor() => Assert.Throws<ArgumentOutOfRangeException>(() => LightningSlopes.LayerFactor(0, 1));

    private static float[] Row(JsonElement row) => [.. row.EnumerateArray().Select(value => (float)value.GetDouble())];
}
