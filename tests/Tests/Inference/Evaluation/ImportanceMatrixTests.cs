using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Evaluation;

public sealed class ImportanceMatrixTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-imatrix-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Sums_are_the_mean_squares_of_what_reaches_a_matrix()
    {
        using var loaded = LoadedModel.Open(RandomTiny.Folder);
        var (config, ids) = (loaded.Config, Enumerable.Range(7, 100).ToArray());
        var matrix = ImportanceMatrix.Collect(loaded.Model, ids, window: 64, cancellationToken: Cancel);
        Assert.Equal(100, matrix.Tokens);

        var trace = new ForwardTrace(config, ids.Length);
        using var state = loaded.Model.CreateState();
        loaded.Model.Forward([new SequenceChunk(state, ids)], trace);
        using var weights = MiniMaxM1Weights.Load(RandomTiny.Folder, config);
        var norm = weights.Layers[0].InputLayernorm;
        var expected = new double[config.HiddenSize];
        foreach (var row in trace.HiddenStates.Take(ids.Length * config.HiddenSize).Chunk(config.HiddenSize))
        {
            var scale = 1 / Math.Sqrt(row.Average(x => (double)x * x) + config.RmsNormEps);
            for (var k = 0; k < row.Length; k++)
            {
                expected[k] += Math.Pow(row[k] * scale * norm[k], 2) / ids.Length;
            }
        }

        var actual = matrix.Of("blk.0.attn_qkv.weight", 0, config.HiddenSize);
        Assert.All(actual.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-4 * pair.Second));
        Assert.Equal(actual, matrix.Of("blk.0.attn_gate.weight", 0, config.HiddenSize));
        Assert.Contains("output.weight", matrix.Names);
    }

    [Fact]
    public void Files_keep_every_expert_and_a_matrix_of_another_shape_is_refused()
    {
        using var loaded = LoadedModel.Open(RandomTiny.Folder);
        var matrix = ImportanceMatrix.Collect(loaded.Model, Enumerable.Range(0, 60).ToArray(), window: 32, cancellationToken: Cancel);
        var path = Path.Combine(folder, "sums.gguf");
        matrix.Write(path, "numbers", window: 32);
        var read = ImportanceMatrix.Read(path);
        Assert.Equal(matrix.Names, read.Names);
        var width = loaded.Config.IntermediateSize;
        for (var expert = 0; expert < loaded.Config.NumLocalExperts; expert++)
        {
            Assert.Equal(matrix.Of("blk.1.ffn_down_exps.weight", expert, width), read.Of("blk.1.ffn_down_exps.weight", expert, width), (x, y) => Math.Abs(x - y) <= 1e-6f * x);
        }

        Assert.Empty(read.Of("blk.99.attn_qkv.weight", 0, 64));
        Assert.Throws<InvalidInputException>(() => read.Of("blk.1.ffn_down_exps.weight", 0, width + 1));
        Assert.Throws<InvalidInputException>(() => ImportanceMatrix.Collect(loaded.Model, ReadOnlyMemory<int>.Empty, 32, cancellationToken: Cancel));
        using (var gguf = GgufFile.Open(path))
        {
            Assert.Equal("imatrix", gguf.Metadata.OptionalText("general.type"));
            Assert.Equal([loaded.Config.NumLocalExperts, 1], gguf.Tensor("blk.1.ffn_down_exps.weight.counts").Shape);
            Assert.Equal(
                60.0 * loaded.Config.NumExpertsPerTok,
                gguf.Matrix("blk.1.ffn_down_exps.weight.counts").ToArray().Sum(count => (double)count));
        }
    }

    [Theory]
    [InlineData(DType.Q4_0)]
    [InlineData(DType.Q4_K)]
    public void Importance_lowers_the_divergence_of_the_wide_golden_model(DType type)
    {
        var source = Fixtures.Shared("golden/model/tiny-wide");
        using var reference = LoadedModel.Open(source);
        int[] Ids(string name)
        {
            using var file = SafetensorsFile.Open(Path.Combine(source, "golden", name));
            return file.ReadI32("input_ids");
        }

        var matrix = ImportanceMatrix.Collect(reference.Model, Ids("len300.safetensors"), window: 512, cancellationToken: Cancel);
        double Divergence(ImportanceMatrix? importance)
        {
            var path = Path.Combine(folder, $"{type}-{importance is null}.gguf");
            using var weights = MiniMaxM1Weights.Load(source, reference.Config);
            new GgufExport(reference.Config, weights, tensor => tensor.Shape[^1] % type.BlockElements() == 0 ? type : null, tokenizer: null, "tiny", importance).Write(path);
            using var quantized = LoadedModel.Open(path);
            return new PerplexityMeter(quantized.Model, reference.Model, window: 512).Measure(Ids("len40.safetensors"), cancellationToken: Cancel).Divergence!.MeanKl;
        }

        var (plain, weighted) = (Divergence(null), Divergence(matrix));
        Assert.True(weighted < plain, $"{type}: KL {weighted:G4} with importance, {plain:G4} without");
    }
}
