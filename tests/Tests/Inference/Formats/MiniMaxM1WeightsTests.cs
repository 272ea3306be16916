using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public sealed class MiniMaxM1WeightsTests : IDisposable
{
    // Lightning, softmax, lightning; an inner width that differs from H; a shared MLP where a test asks for it.
    private static readonly MiniMaxM1Config small = SyntheticPresets.All["tiny"] with
    {
        NumHiddenLayers = 3,
        AttnTypeList = [AttentionKind.Lightning, AttentionKind.Softmax, AttentionKind.Lightning],
        HiddenSize = 24,
        IntermediateSize = 40,
        VocabSize = 48,
    };

    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("tiny-f32", DType.F32)]
    [InlineData("tiny-bf16-sharded", DType.BF16)]
    [InlineData("tiny-grad", DType.F32)]
    [InlineData("tiny-prenorm", DType.F32)]
    [InlineData("tiny-shared", DType.F32)]
    [InlineData("tiny-tied", DType.F32)]
    [InlineData("tiny-wide", DType.BF16)]
    public void Golden_checkpoints_load_in_their_stored_dtypes(string variant, DType type)
    {
        var path = Fixtures.Shared($"golden/model/{variant}");
        var config = MiniMaxM1Config.Load(Path.Combine(path, "config.json"));
        using var weights = MiniMaxM1Weights.Load(path, config, checkFinite: true);

        Assert.Equal(config.NumHiddenLayers, weights.Layers.Length);
        Assert.Equal(type, weights.EmbedTokens.DType);
        Assert.All(weights.Layers, layer => Assert.Equal((DType.F32, type), (layer.Router.DType, layer.W1[0].DType)));
        Assert.Equal(config.SharedIntermediateSize > 0, weights.Layers[0].Coefficient is not null);
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            var lightning = config.AttnTypeList[layer] == AttentionKind.Lightning;
            Assert.Equal(lightning, weights.Layers[layer].QProj.IsEmpty);
            Assert.Equal(!lightning, weights.Layers[layer].QkvProj.IsEmpty);
            Assert.Equal(config.NumLocalExperts, weights.Layers[layer].W2.Length);
        }

        // The first golden hidden state is the embedding of the first token.
        using var golden = SafetensorsFile.Open(Directory.GetFiles(Path.Combine(path, "golden"), "len*.safetensors")[0]);
        var row = new float[config.HiddenSize];
        weights.EmbedTokens.CopyRow(golden.ReadI32("input_ids")[0], row);
        Assert.Equal(golden.ReadF32("hidden_states").AsSpan(0, row.Length).ToArray(), row);
    }

    [Fact]
    public void Packed_experts_give_the_same_rows()
    {
        var config = small with { SharedIntermediateSize = 16 };
        var tensors = Synthesize(config, DType.BF16);
        var packed = StoredCheckpoint.Pack(tensors, config);
        packed.Add(new StoredTensor("model.layers.0.self_attn.slope_rate", DType.F32, [4, 1, 1], new byte[16]));
        packed.Add(new StoredTensor("model.layers.0.self_attn.diagonal_decay", DType.F32, [1, 4, 2, 2], new byte[64]));
        using var official = Load("official", tensors, config);
        using var other = Load("packed", packed, config);

        AssertSame(official, other);
    }

    [Fact]
    public void The_hf_names_of_transformers_4_are_the_official_ones_and_buffers_are_ignored()
    {
        var tensors = Synthesize(small, DType.F32);
        using var official = Load("official", tensors, small);
        foreach (var buffer in new[] { "slope_rate", "query_decay", "key_decay", "diagonal_decay" })
        {
            tensors.Add(new StoredTensor($"model.layers.2.self_attn.{buffer}", DType.F32, [4], new byte[16]));
        }

        using var other = Load("hf", tensors, small);
        AssertSame(official, other);
    }

    [Fact]
    public void The_width_of_the_shared_mlp_is_that_of_the_tensor()
    {
        var stored = small with { SharedIntermediateSize = 20 };
        using var weights = Load("shared", Synthesize(stored, DType.F32), stored with { SharedIntermediateSize = 8 });
        Assert.All(weights.Layers, layer =>
        {
            Assert.Equal((20, 24), (layer.SharedGate.Rows, layer.SharedGate.Columns));
            Assert.Equal((24, 20), (layer.SharedDown.Rows, layer.SharedDown.Columns));
            Assert.Equal(24, layer.Coefficient!.Length);
        });
    }

    [Fact]
    public void A_tied_head_is_the_embedding()
    {
        var tied = small with { TieWordEmbeddings = true };
        using (var weights = Load("tied", Synthesize(tied, DType.F32), tied))
        {
            Assert.Equal(weights.EmbedTokens, weights.LmHead);
        }

        // A tied model may store the head nevertheless.
        using (var weights = Load("both", Synthesize(small, DType.F32), tied))
        {
            Assert.Equal(weights.EmbedTokens, weights.LmHead);
        }
    }

    [Fact]
    public void A_wrong_shape_names_tensor_shapes_and_fields()
    {
        var tensors = Synthesize(small, DType.F32);
        AssertBad(
            tensors, small with { HiddenSize = 32 },
            "model.embed_tokens.weight has the shape [48, 24]",
            "[48, 32] = [vocab_size, hidden_size]");
        AssertBad(tensors, small with { VocabSize = 50 }, "[50, 24] = [vocab_size, hidden_size]");
        AssertBad(
            tensors, small with { IntermediateSize = 41 },
            "model.layers.0.block_sparse_moe.experts.0.w1.weight has the shape [40, 24]",
            "intermediate_size");
        AssertBad(
            tensors, small with { HeadDim = 15 },
            "self_attn.qkv_proj.weight has the shape [192, 24]",
            "[180, 24] = [3 * num_attention_heads * head_dim, hidden_size]");
        AssertBad(
            tensors, small with { NumKeyValueHeads = 1 },
            "model.layers.1.self_attn.k_proj.weight has the shape [32, 24]",
            "[16, 24] = [num_key_value_heads * head_dim");
        AssertBad(tensors, small with { NumLocalExperts = 3 }, "block_sparse_moe.gate.weight has the shape [4, 24]", "num_local_experts");
        AssertBad(
            StoredCheckpoint.Pack(tensors, small), small with { IntermediateSize = 20 },
            "mlp.experts.gate_up_proj has the shape [4, 80, 24]",
            "2 * intermediate_size");
    }

    [Fact]
    public void Tensors_that_lack_or_have_no_place_are_named()
    {
        var tensors = Synthesize(small, DType.F32);
        AssertBad(tensors, small with { NumHiddenLayers = 2 }, "model.layers.2.", "has no place", "2 layers");
        AssertBad(tensors, small with { SharedIntermediateSize = 4 }, "no tensor model.layers.0.shared_mlp.gate_proj.weight");
        AssertBad(
            tensors, small with { AttnTypeList = [AttentionKind.Softmax, AttentionKind.Softmax, AttentionKind.Lightning] },
            "attn_type_list",
            "layer 0 a softmax layer");
        AssertBad(
            [.. tensors.Where(t => t.Name != "model.layers.1.block_sparse_moe.experts.2.w2.weight")], small,
            "no tensor model.layers.1.block_sparse_moe.experts.2.w2.weight");
        AssertBad([.. tensors, new("model.layers.0.self_attn.q_norm.weight", DType.F32, [1], new byte[4])], small, "q_norm.weight has no place");
        AssertBad([new("transformer.wte.weight", DType.F32, [1], new byte[4])], small, "not those of MiniMax-M1", "mlp.experts.*");
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Values_that_are_not_finite_are_found_on_request(DType type)
    {
        var tensors = Synthesize(small, type);
        var target = tensors.Single(t => t.Name == "model.layers.1.self_attn.o_proj.weight");
        var later = tensors.Single(t => t.Name == "model.layers.2.self_attn.out_proj.weight");
        Load("fine", tensors, small, checkFinite: true).Dispose();
        foreach (var index in new[] { 0, 7, 63, 64, 1000, (target.Data.Length / type.ByteSize()) - 1 })
        {
            var clean = target.Data.ToArray();
            Poison(target.Data, type, index, float.NegativeInfinity);
            Poison(later.Data, type, 3, float.NaN);
            var name = $"bad{index}";
            var error = Assert.Throws<InvalidInputException>(() => Load(name, tensors, small, checkFinite: true));
            Assert.Contains($"{target.Name} holds NaN or an infinity at index {index}.", error.Message, StringComparison.Ordinal);
            Load(name + "unchecked", tensors, small).Dispose();
            clean.CopyTo(target.Data, 0);
        }
    }

    private static void Poison(byte[] data, DType type, int index, float value)
    {
        var bytes = type switch
        {
            DType.F32 => BitConverter.GetBytes(value),
            DType.F16 => BitConverter.GetBytes((Half)value),
            _ => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)),
        };
        bytes.CopyTo(data, index * bytes.Length);
    }

    private static void AssertSame(MiniMaxM1Weights expected, MiniMaxM1Weights actual)
    {
        AssertSame(expected.EmbedTokens, actual.EmbedTokens);
        AssertSame(expected.LmHead, actual.LmHead);
        Assert.Equal(expected.FinalNorm, actual.FinalNorm);
        Assert.All(expected.Layers.Zip(actual.Layers), pair =>
        {
            var (a, b) = pair;
            Assert.Equal(a.InputLayernorm, b.InputLayernorm);
            Assert.Equal(a.PostAttentionLayernorm, b.PostAttentionLayernorm);
            Assert.Equal(a.AttentionNorm, b.AttentionNorm);
            Assert.Equal(a.Coefficient, b.Coefficient);
            Assert.All(All(a).Zip(All(b)), matrices => AssertSame(matrices.First, matrices.Second));
        });
    }

    private static IEnumerable<Weight> All(LayerWeights w) =>
    [
        w.QkvProj, w.OutputGate, w.OutProj, w.QProj, w.KProj, w.VProj, w.OProj, w.Router, .. w.W1, .. w.W2, .. w.W3,
        w.SharedGate, w.SharedUp, w.SharedDown,
    ];

    private static void AssertSame(Weight expected, Weight actual)
    {
        Assert.Equal((expected.DType, expected.Rows, expected.Columns), (actual.DType, actual.Rows, actual.Columns));
        for (var row = 0; row < expected.Rows; row++)
        {
            Assert.Equal(expected.RowBytesAt(row), actual.RowBytesAt(row));
        }
    }

    private List<StoredTensor> Synthesize(MiniMaxM1Config config, DType type)
    {
        using var target = new ScratchFolder();
        new SyntheticCheckpoint(config, seed: 5, type).WriteAsync(target.Path).GetAwaiter().GetResult();
        return StoredCheckpoint.Read(target.Path);
    }

    private MiniMaxM1Weights Load(string name, IReadOnlyList<StoredTensor> tensors, MiniMaxM1Config config, bool checkFinite = false)
    {
        Directory.CreateDirectory(folder[name]);
        StoredCheckpoint.Write(folder[name], tensors);
        return MiniMaxM1Weights.Load(folder[name], config, checkFinite);
    }

    private void AssertBad(IReadOnlyList<StoredTensor> tensors, MiniMaxM1Config config, params string[] parts)
    {
        var error = Assert.Throws<InvalidInputException>(() => Load("bad", tensors, config));
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        Directory.Delete(folder["bad"], recursive: true);
    }
}
