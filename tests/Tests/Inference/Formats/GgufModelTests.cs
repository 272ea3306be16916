using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Formats;

public sealed class GgufModelTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    private static string Tiny => Fixtures.Golden("model/tiny-f32");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Logits_through_GGUF_are_bitwise_those_of_the_folder()
    {
        ToGguf(Tiny, folder["x.gguf"]);
        Assert.Equal(Logits(Tiny), Logits(folder["x.gguf"]));
    }

    [Fact]
    public void The_configuration_comes_back_but_for_fields_without_a_place()
    {
        ToGguf(Tiny, folder["x.gguf"]);
        var expected = MiniMaxM1Config.Load(Tiny);
        var read = MiniMaxM1Config.Load(folder["x.gguf"]);
        Assert.Equal(expected.ToJson(), read.ToJson());
    }

    [Fact]
    public void The_way_to_GGUF_and_back_keeps_every_byte()
    {
        ToGguf(Tiny, folder["x.gguf"]);
        ToFolder(folder["x.gguf"], folder["back"], ExpertLayout.Separate);
        AssertSameTensors(StoredCheckpoint.Read(Tiny), StoredCheckpoint.Read(folder["back"]));
    }

    [Fact]
    public void A_bf16_model_comes_back_bitwise_when_bf16_is_asked_for()
    {
        ToFolder(Tiny, folder["bf16"], ExpertLayout.Separate, DType.BF16);
        ToGguf(folder["bf16"], folder["x.gguf"]);
        using (var file = GgufFile.Open(folder["x.gguf"]))
        {
            Assert.Equal("F32", file.Tensor("blk.0.ffn_gate_inp.weight").Type.Name);
            Assert.Equal("F32", file.Tensor("blk.0.attn_norm_2.weight").Type.Name);
            Assert.Equal("BF16", file.Tensor("blk.7.ffn_up_exps.weight").Type.Name);
            Assert.Equal([4L, 96, 64], file.Tensor("blk.7.ffn_up_exps.weight").Shape);
            Assert.Equal(32, file.Metadata.Int("general.file_type"));
        }

        ToFolder(folder["x.gguf"], folder["back"], ExpertLayout.Separate, DType.BF16);
        AssertSameTensors(StoredCheckpoint.Read(folder["bf16"]), StoredCheckpoint.Read(folder["back"]));
    }

    [Fact]
    public void The_hf_layout_and_back_keeps_every_byte_and_the_configuration()
    {
        ToFolder(Tiny, folder["hf"], ExpertLayout.Packed);
        var config = MiniMaxM1Config.Load(Tiny);
        AssertSameTensors(StoredCheckpoint.Pack(StoredCheckpoint.Read(Tiny), config), StoredCheckpoint.Read(folder["hf"]));
        Assert.Equal(config.ToJson(), MiniMaxM1Config.Load(folder["hf"]).ToJson());
        Assert.Equal(Logits(Tiny), Logits(folder["hf"]));
        ToFolder(folder["hf"], folder["back"], ExpertLayout.Separate);
        AssertSameTensors(StoredCheckpoint.Read(Tiny), StoredCheckpoint.Read(folder["back"]));
        ToGguf(folder["hf"], folder["hf.gguf"]);
        ToGguf(Tiny, folder["x.gguf"]);
        Assert.Equal(Logits(folder["x.gguf"]), Logits(folder["hf.gguf"]));
    }

    [Fact]
    public void A_layer_pattern_that_is_not_every_eighth_is_written_out()
    {
        var config = SyntheticPresets.All["tiny"] with
        {
            NumHiddenLayers = 3,
            AttnTypeList = [AttentionKind.Softmax, AttentionKind.Lightning, AttentionKind.Softmax],
        };
        Synthesize(config, folder["odd"]);
        ToGguf(folder["odd"], folder["odd.gguf"]);
        Assert.Equal(config.AttnTypeList, MiniMaxM1Config.Load(folder["odd.gguf"]).AttnTypeList);
        Assert.Equal(Logits(folder["odd"]), Logits(folder["odd.gguf"]));
        using var file = GgufFile.Open(folder["odd.gguf"]);
        Assert.Equal([0L, 1, 0], file.Metadata.OptionalIntegers("minimax-01.attention.recurrent_layers")!);
    }

    [Fact]
    public void A_tied_head_is_not_written_and_comes_back()
    {
        Synthesize(SyntheticPresets.All["tiny"] with { TieWordEmbeddings = true }, folder["tied"]);
        ToGguf(folder["tied"], folder["tied.gguf"]);
        Assert.True(MiniMaxM1Config.Load(folder["tied.gguf"]).TieWordEmbeddings);
        Assert.Equal(Logits(folder["tied"]), Logits(folder["tied.gguf"]));
    }

    public static TheoryData<string, Func<MiniMaxM1Config, MiniMaxM1Config>> Inexpressible => new()
    {
        { "always post-norm", config => config with { Postnorm = false } },
        { "one residual_scale", config => config with { LayernormMlpAlpha = 3 } },
        { "no output factors", config => config with { LayernormFullAttentionBeta = 0.5f } },
        { "shared MLP", config => config with { SharedIntermediateSize = 32 } },
        { "powers of two", config => config with { NumAttentionHeads = 6 } },
        { "without a softmax layer", config => config with { AttnTypeList = [.. Enumerable.Repeat(AttentionKind.Lightning, 8)] } },
    };

    [Theory]
    [MemberData(nameof(Inexpressible), DisableDiscoveryEnumeration = true)]
    public void What_the_format_cannot_express_is_refused_with_the_reason(string reason, Func<MiniMaxM1Config, MiniMaxM1Config> change)
    {
        using var weights = MiniMaxM1Weights.Load(Tiny, MiniMaxM1Config.Load(Tiny));
        var config = change(SyntheticPresets.All["tiny"]);
        var error = Assert.Throws<InvalidInputException>(() => new GgufExport(config, weights, type: null, tokenizer: null, "x"));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tokenizer_travels_to_GGUF_and_back()
    {
        var original = Tokenizer.Load(TokenizerFixtures.TinyFolder);
        ToGguf(TokenizerFixtures.TinyFolder, folder["x.gguf"], TokenizerFixtures.TinyFolder);
        ToFolder(folder["x.gguf"], folder["back"], ExpertLayout.Separate, tokenizer: folder["x.gguf"]);
        const string Text = "The river runs, 12345 times!\r\n  Straße e\u0301 <end_of_sentence> 東京\t🚀";
        foreach (var path in (string[])[folder["x.gguf"], folder["back"]])
        {
            var tokenizer = Tokenizer.Load(path);
            Assert.Equal(original.VocabularySize, tokenizer.VocabularySize);
            Assert.Equal(original.Encode(Text), tokenizer.Encode(Text));
            Assert.Equal(original.Encode(Text, allowSpecial: true), tokenizer.Encode(Text, allowSpecial: true));
            Assert.All(Enumerable.Range(0, original.VocabularySize), id => Assert.Equal(original.TokenBytes(id), tokenizer.TokenBytes(id)));
        }

        Assert.Equal(506, MiniMaxM1Config.Load(folder["x.gguf"]).EosTokenId);
        Assert.Contains("\"eos_token\": \"<end_of_sentence>\"", File.ReadAllText(Path.Combine(folder["back"], "tokenizer_config.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Zero_rows_after_the_ordinary_tokens_are_suppressed_and_the_template_is_there()
    {
        var source = folder["model"];
        Directory.CreateDirectory(source);
        foreach (var path in Directory.GetFiles(TokenizerFixtures.TinyFolder).Where(path => !path.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            File.Copy(path, Path.Combine(source, Path.GetFileName(path)));
        }

        File.WriteAllText(Path.Combine(source, "chat_template.jinja"), "{{ messages }}");
        var tensors = StoredCheckpoint.Read(Tiny);
        Array.Clear(tensors.Single(tensor => tensor.Name == WeightMap.EmbedTokens).Data, 500 * 64 * 4, 2 * 64 * 4);
        StoredCheckpoint.Write(source, tensors);
        ToGguf(source, folder["x.gguf"], source);
        using var model = GgufModel.Open(folder["x.gguf"]);
        Assert.Equal([500, 501], model.SuppressTokens);
        Assert.Equal("{{ messages }}", model.ChatTemplate);
    }

    [Fact]
    public void A_file_without_tokenizer_says_so()
    {
        ToGguf(Tiny, folder["x.gguf"]);
        var error = Assert.Throws<InvalidInputException>(() => Tokenizer.Load(folder["x.gguf"]));
        Assert.Contains("holds no tokenizer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_beyond_F16_are_refused()
    {
        var tensors = StoredCheckpoint.Read(Tiny);
        BitConverter.TryWriteBytes(tensors.Single(tensor => tensor.Name == WeightMap.EmbedTokens).Data.AsSpan(8), 70_000f);
        Directory.CreateDirectory(folder["model"]);
        StoredCheckpoint.Write(folder["model"], tensors);
        File.Copy(Path.Combine(Tiny, "config.json"), Path.Combine(folder["model"], "config.json"));
        var error = Assert.Throws<InvalidInputException>(() => ToGguf(folder["model"], folder["x.gguf"], type: DType.F16));
        Assert.Contains("70000", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.Q4_0)]
    public void Quantised_tensors_are_read_in_place_and_widened_only_on_request(DType type)
    {
        ToGguf(Tiny, folder["x.gguf"]);
        QuantiseHead(folder["x.gguf"], folder["q.gguf"], type, out var expected);
        var config = MiniMaxM1Config.Load(folder["q.gguf"]);
        using (var weights = MiniMaxM1Weights.Load(folder["q.gguf"], config, checkFinite: true))
        {
            Assert.Equal(type, weights.LmHead.DType);
            Assert.Equal(expected, weights.LmHead.ToArray());
            var error = Assert.Throws<InvalidInputException>(() => new FolderExport(config, weights, ExpertLayout.Separate, type: null));
            Assert.Contains("quantised", error.Message, StringComparison.Ordinal);
        }

        ToGguf(folder["q.gguf"], folder["kept.gguf"]);
        using var kept = GgufFile.Open(folder["kept.gguf"]);
        Assert.Equal(expected, kept.Matrix("output.weight").ToArray());
        ToFolder(folder["q.gguf"], folder["wide"], ExpertLayout.Separate, DType.F32);
        using var wide = Checkpoint.Open(folder["wide"]);
        Assert.Equal(expected, wide.ReadF32(WeightMap.LmHead));
    }

    [Fact]
    public void Metadata_and_tensors_that_disagree_are_refused()
    {
        ToGguf(Tiny, folder["x.gguf"]);
        Rewrite(folder["x.gguf"], folder["other.gguf"], ("general.architecture", GgufValue.Of("llama")));
        AssertBad("other.gguf", "the architecture is llama");
        Rewrite(folder["x.gguf"], folder["layers.gguf"], ("minimax-01.block_count", GgufValue.Of(16u)));
        AssertBad("layers.gguf", "blk.15.ffn_down_exps.weight is missing");
        Rewrite(folder["x.gguf"], folder["experts.gguf"], ("minimax-01.expert_count", GgufValue.Of(4000u)));
        AssertBad("experts.gguf", "4000 experts");
        Rewrite(folder["x.gguf"], folder["width.gguf"], ("minimax-01.feed_forward_length", GgufValue.Of(95u)));
        AssertBad("width.gguf", "intermediate_size");
        Rewrite(folder["x.gguf"], folder["rope.gguf"], ("minimax-01.rope.scaling.type", GgufValue.Of("yarn")));
        AssertBad("rope.gguf", "yarn");
        Rewrite(folder["x.gguf"], folder["kinds.gguf"], ("minimax-01.full_attention_interval", GgufValue.Of(4u)));
        AssertBad("kinds.gguf", "blk.3.attn_q.weight");
    }

    [Fact]
    public void A_model_in_several_files_is_read_as_one()
    {
        ToGguf(Tiny, folder["x.gguf"]);
        using (var whole = GgufFile.Open(folder["x.gguf"]))
        {
            var names = whole.Tensors.Keys.ToList();
            Copy(whole, folder["m-00001-of-00002.gguf"], names[..40], [.. whole.Metadata.Values, .. Split(0)]);
            Copy(whole, folder["m-00002-of-00002.gguf"], names[40..], Split(1));
        }

        Assert.Equal(Logits(folder["x.gguf"]), Logits(folder["m-00001-of-00002.gguf"]));
        AssertBad("m-00002-of-00002.gguf", "no tensor token_embd.weight", "not the first");
    }

    private static List<KeyValuePair<string, GgufValue>> Split(uint part) =>
        [new("split.no", GgufValue.Of(part)), new("split.count", GgufValue.Of(2u))];

    private static void Rewrite(string source, string path, params (string Key, GgufValue Value)[] changes)
    {
        using var file = GgufFile.Open(source);
        var metadata = new Dictionary<string, GgufValue>(file.Metadata.Values);
        foreach (var (key, value) in changes)
        {
            metadata[key] = value;
        }

        Copy(file, path, [.. file.Tensors.Keys], [.. metadata]);
    }

    private static void QuantiseHead(string source, string path, DType type, out float[] values)
    {
        using var file = GgufFile.Open(source);
        var bytes = File.ReadAllBytes(source);
        var head = file.Matrix("output.weight").ToArray();
        var blocks = new byte[type.RowBytes(head.Length)];
        Quantizer.Quantize(type, head, [], blocks);
        values = new float[head.Length];
        Dequantizer.Dequantize(type, blocks, values);
        var declarations = file.Tensors.Values
            .Select(tensor => new TensorDeclaration(tensor.Name, tensor.Name == "output.weight" ? type : tensor.Type.Type!.Value, tensor.Shape));
        using var writer = new GgufWriter(path, [.. file.Metadata.Values], [.. declarations]);
        foreach (var tensor in file.Tensors.Values)
        {
            writer.Write(tensor.Name, tensor.Name == "output.weight" ? blocks : bytes.AsSpan((int)tensor.Offset, (int)tensor.ByteCount));
        }

        writer.Complete();
    }

    private static void Copy(GgufFile file, string path, List<string> names, List<KeyValuePair<string, GgufValue>> metadata)
    {
        var bytes = File.ReadAllBytes(file.Path);
        var declarations = names.Select(name => new TensorDeclaration(name, file.Tensor(name).Type.Type!.Value, file.Tensor(name).Shape));
        using var writer = new GgufWriter(path, metadata, [.. declarations]);
        foreach (var tensor in names.Select(file.Tensor))
        {
            writer.Write(tensor.Name, bytes.AsSpan((int)tensor.Offset, (int)tensor.ByteCount));
        }

        writer.Complete();
    }

    private static void Synthesize(MiniMaxM1Config config, string path) =>
        new SyntheticCheckpoint(config, seed: 5, DType.F32).WriteAsync(path).GetAwaiter().GetResult();

    private static void ToGguf(string source, string path, string? tokenizer = null, DType? type = null)
    {
        var config = MiniMaxM1Config.Load(source);
        using var weights = MiniMaxM1Weights.Load(source, config);
        new GgufExport(config, weights, type, tokenizer, "test").Write(path);
    }

    private static void ToFolder(string source, string path, ExpertLayout layout, DType? type = null, string? tokenizer = null)
    {
        var config = MiniMaxM1Config.Load(source);
        using var weights = MiniMaxM1Weights.Load(source, config);
        new FolderExport(config, weights, layout, type).Write(path, tokenizer, shardBytes: 1_000_000);
    }

    private static float[] Logits(string path)
    {
        using var loaded = LoadedModel.Open(path, new ModelOptions { Threads = 1, MaxStepTokens = 64 });
        using var state = loaded.Model.CreateState();
        loaded.Model.Forward([new SequenceChunk(state, Enumerable.Range(0, 40).Select(i => i * 11 % 512).ToArray())]);
        return loaded.Model.Logits(39).ToArray();
    }

    private static void AssertSameTensors(List<StoredTensor> expected, List<StoredTensor> actual)
    {
        var byName = actual.ToDictionary(tensor => tensor.Name);
        Assert.Equal(expected.Select(tensor => tensor.Name).Order(), byName.Keys.Order());
        Assert.All(expected, tensor =>
        {
            var other = byName[tensor.Name];
            Assert.Equal((tensor.Type, string.Join(',', tensor.Shape)), (other.Type, string.Join(',', other.Shape)));
            Assert.True(tensor.Data.AsSpan().SequenceEqual(other.Data), $"the bytes of {tensor.Name} differ");
        });
    }

    private void AssertBad(string name, params string[] expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => LoadedModel.Open(folder[name]));
        Assert.Contains(expected, text => error.Message.Contains(text, StringComparison.Ordinal));
    }
}
