using System.Globalization;
using System.Text.Json;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class CostTests
{
    private static readonly ModelCost M1 = new(ModelFacts.MiniMaxM1);

    [Fact]
    public void Every_figure_of_the_golden_table_is_met_exactly()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("model-facts/flops.json")));
        DecodeFlops[] models = [M1.Decode, PeerCost.DeepSeekR1.Decode, PeerCost.DeepSeekR1Absorbed.Decode, PeerCost.Qwen3.Decode];
        var rows = golden.RootElement.GetProperty("rows").EnumerateArray().ToArray();
        Assert.Equal(8, rows.Length);
        foreach (var row in rows)
        {
            var n = row.GetProperty("n").GetInt64();
            Assert.Equal(Integers(row.GetProperty("per_token")), models.Select(model => model.PerToken(n)));
            Assert.Equal(Integers(row.GetProperty("cumulative")), models.Select(model => model.Cumulative(n)));
        }

        Assert.Equal(Integer(golden.RootElement.GetProperty("m1_total")), M1.ParameterCount);
        Assert.Equal(Integer(golden.RootElement.GetProperty("m1_active")), M1.ActiveParameters);
    }

    [Fact]
    public void Parameters_of_M1_are_the_published_ones()
    {
        Assert.Equal(456_089_655_296, M1.ParameterCount);
        Assert.Equal(48_403_306_496, M1.ActiveParameters);
        Assert.Equal(47_174_113_280, M1.ActiveWithoutEmbedding);
        Assert.Equal(45_944_920_064, M1.ActiveWithoutVocabulary);
        Assert.Equal(47_172_550_656, M1.MatMulWeights);
        Assert.Equal(671_025_397_760, PeerCost.DeepSeekR1.ParameterCount);
        Assert.Equal(36_624_596_992, PeerCost.DeepSeekR1.MatMulWeights);
        Assert.Equal(235_092_836_352, PeerCost.Qwen3.ParameterCount);
        Assert.Equal(21_567_635_456, PeerCost.Qwen3.MatMulWeights);
    }

    [Fact]
    public void State_and_cache_of_M1_have_the_published_sizes()
    {
        Assert.Equal(293_601_280, M1.LightningStateBytes());
        Assert.Equal(40_960, M1.KeyValueBytesPerToken());
        Assert.Equal(4_096_000_000, M1.KeyValueBytes(100_000));
        Assert.Equal(2 * M1.KeyValueBytes(7), M1.KeyValueBytes(7, sizeof(float)));
    }

    [Fact]
    public void The_formula_counts_what_the_manifest_lists()
    {
        Gen.Select(Gen.Bool, Gen.Int[0, 9], Gen.Int[1, 5], Gen.Int[1, 3]).Sample((tied, shared, experts, headsPerKeyValueHead) =>
        {
            var config = ModelFacts.Small with
            {
                TieWordEmbeddings = tied,
                SharedIntermediateSize = shared,
                NumLocalExperts = experts,
                NumExpertsPerTok = 1,
                NumAttentionHeads = 2 * headsPerKeyValueHead,
            };
            var manifest = TensorManifest.Create(config);
            var cost = new ModelCost(config);
            Assert.Equal(manifest.TotalParameters, cost.ParameterCount);
            var active = manifest.Tensors
                .Where(t => t.Role is not (TensorRole.Norm or TensorRole.Embedding))
                .Where(t => t.Role != TensorRole.Experts || t.Name.Contains("experts.0.", StringComparison.Ordinal))
                .Sum(t => t.ElementCount);
            Assert.Equal(active + (tied ? 50 * 24 : 0), cost.MatMulWeights);
        }, iter: 100);
    }

    [Fact]
    public void Cumulative_is_the_sum_of_the_tokens_even_where_64_bits_overflow()
    {
        Assert.Equal(Enumerable.Range(1, 50).Aggregate(Int128.Zero, (sum, n) => sum + M1.Decode.PerToken(n)), M1.Decode.Cumulative(50));
        Assert.True(PeerCost.DeepSeekR1Absorbed.Decode.Cumulative(10_240_000) > long.MaxValue);
    }

    [Fact]
    public void Prefill_differs_from_decoding_only_in_the_head_and_in_lightning_attention()
    {
        const long n = 1000, A = 64, D = 128;
        var decodeState = 70 * A * D * D * 5 * n;
        var prefillState = 70 * A * D * n * ((4 * D) + (2 * 257));
        Assert.Equal(M1.Decode.Cumulative(n) - decodeState + prefillState, M1.PrefillFlops(n, logitTokens: n));
        Assert.Equal((n - 1) * 2 * 200_064 * 6144, M1.PrefillFlops(n, logitTokens: n) - M1.PrefillFlops(n));
    }

    private static Int128 Integer(JsonElement value) => Int128.Parse(value.GetRawText(), CultureInfo.InvariantCulture);

    private static IEnumerable<Int128> Integers(JsonElement row) => row.EnumerateArray().Select(Integer);
}
