using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public class ManifestTests
{
    private static readonly TensorManifest M1 = TensorManifest.Create(ModelFacts.MiniMaxM1);

    [Fact]
    public void M1_has_the_published_number_of_tensors_parameters_and_bytes()
    {
        Assert.Equal(8243, M1.Tensors.Length);
        Assert.Equal(456_089_655_296, M1.TotalParameters);
        Assert.Equal(912_210_767_872, M1.TotalBytes);
    }

    [Fact]
    public void Names_and_size_are_those_of_the_official_index()
    {
        var (names, totalSize) = ReadIndex("data/minimax-m1");
        Assert.Equal(names.Order(StringComparer.Ordinal), M1.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        Assert.Equal(totalSize, M1.TotalBytes);
        M1.CheckIndex(names, "index");
    }

    [Fact]
    public void Names_and_sizes_of_every_golden_model_fit()
    {
        foreach (var model in ModelFacts.TinyModels)
        {
            var config = MiniMaxM1Config.Load(Fixtures.Shared($"golden/model/{model}"));
            var (names, totalSize) = ReadIndex($"golden/model/{model}");
            var manifest = TensorManifest.Create(config, config.TorchDtype);
            Assert.Equal(names.Order(StringComparer.Ordinal), manifest.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
            Assert.Equal((model, totalSize), (model, manifest.TotalBytes));
        }
    }

    [Theory]
    [InlineData("model.embed_tokens.weight", "200064x6144", DType.BF16, TensorRole.Embedding, -1)]
    [InlineData("lm_head.weight", "200064x6144", DType.BF16, TensorRole.Head, -1)]
    [InlineData("model.norm.weight", "6144", DType.BF16, TensorRole.Norm, -1)]
    [InlineData("model.layers.0.self_attn.qkv_proj.weight", "24576x6144", DType.BF16, TensorRole.LightningAttention, 0)]
    [InlineData("model.layers.0.self_attn.norm.weight", "8192", DType.BF16, TensorRole.Norm, 0)]
    [InlineData("model.layers.0.self_attn.out_proj.weight", "6144x8192", DType.BF16, TensorRole.LightningAttention, 0)]
    [InlineData("model.layers.79.self_attn.k_proj.weight", "1024x6144", DType.BF16, TensorRole.SoftmaxAttention, 79)]
    [InlineData("model.layers.79.self_attn.o_proj.weight", "6144x8192", DType.BF16, TensorRole.SoftmaxAttention, 79)]
    [InlineData("model.layers.5.block_sparse_moe.gate.weight", "32x6144", DType.F32, TensorRole.Router, 5)]
    [InlineData("model.layers.5.block_sparse_moe.experts.31.w1.weight", "9216x6144", DType.BF16, TensorRole.Experts, 5)]
    [InlineData("model.layers.5.block_sparse_moe.experts.31.w2.weight", "6144x9216", DType.BF16, TensorRole.Experts, 5)]
    public void Each_tensor_of_M1_has_its_shape_type_and_role(string name, string shape, DType type, TensorRole role, int layer)
    {
        var tensor = Assert.Single(M1.Tensors, t => t.Name == name);
        Assert.Equal((shape, type, role, layer), (string.Join('x', tensor.Shape), tensor.Type, tensor.Role, tensor.Layer));
    }

    [Fact]
    public void A_tied_head_is_no_tensor()
    {
        var tied = TensorManifest.Create(ModelFacts.Small with { TieWordEmbeddings = true });
        Assert.DoesNotContain(tied.Tensors, t => t.Role == TensorRole.Head);
        Assert.Equal(TensorManifest.Create(ModelFacts.Small).TotalParameters - (50 * 24), tied.TotalParameters);
    }

    [Fact]
    public void A_shared_mlp_has_its_own_width_and_a_coefficient()
    {
        var shared = TensorManifest.Create(ModelFacts.Small with { SharedIntermediateSize = 7 }).Tensors.Where(t => t.Role == TensorRole.SharedMlp && t.Layer == 1);
        Assert.Equal(
            ["model.layers.1.coefficient.weight 1x24", "model.layers.1.shared_mlp.down_proj.weight 24x7",
                "model.layers.1.shared_mlp.gate_proj.weight 7x24", "model.layers.1.shared_mlp.up_proj.weight 7x24"],
            shared.Select(t => $"{t.Name} {string.Join('x', t.Shape)}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_that_do_not_fit_are_counted_and_the_first_few_are_listed()
    {
        var names = M1.Tensors.Select(t => t.Name).Where(name => !name.Contains("experts.31.", StringComparison.Ordinal)).Append("model.layers.80.extra");
        var error = Assert.Throws<InvalidInputException>(() => M1.CheckIndex(names, "m1/index.json"));
        Assert.StartsWith("m1/index.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("240 missing: model.layers.0.block_sparse_moe.experts.31.w1.weight,", error.Message, StringComparison.Ordinal);
        Assert.Contains("and 237 more", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 unexpected: model.layers.80.extra.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decay_buffers_that_transformers_stores_are_passed_over() =>
        M1.CheckIndex(M1.Tensors.Select(t => t.Name).Append("model.layers.0.self_attn.slope_rate").Append("model.layers.0.self_attn.key_decay"), "index");

    private static (string[] Names, long TotalSize) ReadIndex(string model)
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Shared($"{model}/model.safetensors.index.json")));
        return ([.. index.RootElement.GetProperty("weight_map").EnumerateObject().Select(p => p.Name)],
            index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
    }
}
