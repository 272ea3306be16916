using MiniMaxSharp.Inference;
using MiniMaxSharp.Tests.Inference.Models;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

public sealed class MiniMaxM1ModuleTests
{
    private static readonly string[] committed = ["tiny-f32", "tiny-shared"];
    private static readonly string[] sharedOnly = ["tiny-bf16-sharded", "tiny-grad", "tiny-prenorm", "tiny-tied", "tiny-wide"];

    public static IEnumerable<TheoryDataRow<string>> GoldenVariants => committed.Concat(sharedOnly).Select(name => new TheoryDataRow<string>(name));

    public static TheoryData<string> Variants => ["postnorm", "prenorm", "shared", "tied", "odd"];

    [Theory]
    [MemberData(nameof(GoldenVariants))]
    public void Logits_and_logprobs_are_the_official_ones(string variant)
    {
        var folder = committed.Contains(variant) ? Fixtures.Golden("model/" + variant) : Fixtures.Shared("golden/model/" + variant);
        using var module = MiniMaxM1Module.Load(folder);
        foreach (var file in Directory.GetFiles(Path.Combine(folder, "golden"), "len*.safetensors").Order())
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using var golden = SafetensorsFile.Open(file);
            var documents = PackedDocuments.Of(golden.ReadI32("input_ids"));
            var hidden = module.Forward(documents).Hidden;
            var logits = module.Logits(hidden).index_select(0, tensor(golden.ReadI32("positions"))).data<float>().ToArray();
            AssertAbsolute(golden.ReadF32("logits"), logits, 1e-4, $"{variant} {Path.GetFileName(file)} logits");
            var logprobs = module.TokenLogprobs(hidden, documents.NextTokens()).data<float>().ToArray();
            AssertAbsolute(golden.ReadF32("token_logprobs"), logprobs[..^1], 5e-5, $"{variant} {Path.GetFileName(file)} token_logprobs");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(257)]
    [InlineData(600)]
    public void Any_length_gives_the_logits_of_the_engine(int length)
    {
        using var module = MiniMaxM1Module.Load(Fixtures.Golden("model/tiny-f32"));
        using var engine = TestModel.Open(Fixtures.Golden("model/tiny-f32"));
        var ids = TrainingModels.Tokens(length, module.Config.VocabSize);
        AssertAbsolute(engine.Run(ids, chunk: 512).Logits, TrainingModels.Logits(module, PackedDocuments.Of(ids)), 1e-4, $"length {length}");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gradients_are_those_of_finite_differences(string variant)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Variant(variant), seed: 3);
        TrainingModels.SpreadRouters(module);
        var documents = PackedDocuments.Of(TrainingModels.Tokens(11, 37), TrainingModels.Tokens(6, 37, seed: 8));
        TrainingModels.Backward(module, documents);
        TrainingModels.AssertFiniteDifferences(module, module.Parameters, documents, variant);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Packed_documents_give_the_logits_and_gradients_of_separate_ones(string variant)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Variant(variant), seed: 5);
        int[][] documents = [.. new[] { 70, 70, 1, 130, 5 }.Select((n, i) => TrainingModels.Tokens(n, 37, seed: i))];
        var packed = PackedDocuments.Of(documents);
        float[] separate = [.. documents.SelectMany(ids => TrainingModels.Logits(module, PackedDocuments.Of(ids)))];
        AssertAbsolute(separate, TrainingModels.Logits(module, packed), 1e-5, "logits");

        TrainingModels.Backward(module, packed, auxWeight: 0);
        var together = TrainingModels.Gradients(module);
        var sum = together.ToDictionary(pair => pair.Key, pair => new float[pair.Value.Length]);
        var targets = documents.Sum(ids => ids.Length - 1);
        foreach (var ids in documents)
        {
            TrainingModels.Backward(module, PackedDocuments.Of(ids), auxWeight: 0);
            foreach (var (name, gradient) in TrainingModels.Gradients(module))
            {
                for (var i = 0; i < gradient.Length; i++)
                {
                    sum[name][i] += gradient[i] * (ids.Length - 1) / targets;
                }
            }
        }

        foreach (var (name, gradient) in together)
        {
            TrainingModels.AssertClose(sum[name], gradient, 2e-5, name);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Recomputed_layers_give_the_same_bits(string variant)
    {
        var config = TrainingModels.Variant(variant);
        var documents = PackedDocuments.Of(TrainingModels.Tokens(40, 37), TrainingModels.Tokens(9, 37, seed: 8));
        using var plain = MiniMaxM1Module.Create(config, seed: 3);
        using var checkpointed = MiniMaxM1Module.Create(config, seed: 3, new ModuleOptions { CheckpointLayers = true });
        Assert.Equal(TrainingModels.Backward(plain, documents), TrainingModels.Backward(checkpointed, documents));
        var expected = TrainingModels.Gradients(plain);
        foreach (var (name, gradient) in TrainingModels.Gradients(checkpointed))
        {
            TrainingModels.AssertClose(expected[name], gradient, 1e-6, name);
        }
    }

    [Fact]
    public void A_saved_model_runs_in_the_engine_and_loads_again()
    {
        var folder = Directory.CreateTempSubdirectory("minimax-train-").FullName;
        try
        {
            foreach (var bf16 in new[] { false, true })
            {
                var config = TrainingModels.Tiny with { TorchDtype = MiniMaxSharp.Kernels.DType.F32 };
                using var module = MiniMaxM1Module.Create(config, seed: 9, new ModuleOptions { Bf16Weights = bf16 });
                module.Save(folder);
                var ids = TrainingModels.Tokens(30, 37);
                var logits = TrainingModels.Logits(module, PackedDocuments.Of(ids));
                using var engine = TestModel.Open(folder);
                AssertAbsolute(engine.Run(ids, chunk: 512).Logits, logits, 2e-5, $"bf16 {bf16}");
                using var again = MiniMaxM1Module.Load(folder);
                AssertAbsolute(logits, TrainingModels.Logits(again, PackedDocuments.Of(ids)), 2e-5, $"loaded, bf16 {bf16}");
                Assert.Empty(Directory.GetFiles(folder, "*.tmp"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_loss_falls_when_the_same_documents_are_learnt()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        using var optimizer = new AdamW(module);
        var documents = PackedDocuments.Of(TrainingModels.Tokens(40, 37));
        var first = TrainingModels.Backward(module, documents, auxWeight: 0.001);
        for (var step = 0; step < 60; step++)
        {
            optimizer.Step(1e-2);
            TrainingModels.Backward(module, documents, auxWeight: 0.001);
        }

        Assert.True(TrainingModels.Loss(module, documents, auxWeight: 0.001) < 0.2 * first);
    }

    [Fact]
    public void Bad_ids_and_boundaries_are_refused()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        var error = Assert.Throws<InvalidInputException>(() => module.Forward(PackedDocuments.Of([1, 37])));
        Assert.Contains("37 at position 1", error.Message, StringComparison.Ordinal);
        foreach (int[] boundaries in new[] { new[] { 0 }, [0, 2], [1, 3], [0, 2, 2, 3], [0, 3, 2] })
        {
            Assert.Throws<InvalidInputException>(() => new PackedDocuments([1, 2, 3], boundaries));
        }
    }

    /// <summary>Change of the loss along a direction, by central differences.</summary>
    private static void AssertAbsolute(float[] expected, float[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        var worst = expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).DefaultIfEmpty(0).Max();
        Assert.True(worst <= tolerance, $"{what}: largest difference {worst:E2} > {tolerance:E0}");
    }
}
