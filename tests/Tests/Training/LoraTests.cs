using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using MiniMaxSharp.Training;
using static TorchSharp.torch;

namespace MiniMaxSharp.Tests.Training;

public sealed class LoraTests : IDisposable
{
    private static readonly LoraOptions small = new() { Rank = 3, Alpha = 6 };
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-lora-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("postnorm", false)]
    [InlineData("postnorm", true)]
    [InlineData("prenorm", false)]
    [InlineData("shared", true)]
    [InlineData("tied", false)]
    public void New_adapters_change_nothing_and_their_gradients_are_those_of_finite_differences(string variant, bool checkpointLayers)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Variant(variant), seed: 3, new ModuleOptions { CheckpointLayers = checkpointLayers });
        TrainingModels.SpreadRouters(module);
        var documents = PackedDocuments.Of(TrainingModels.Tokens(11, 37), TrainingModels.Tokens(6, 37, seed: 8));
        var before = TrainingModels.Logits(module, documents);
        module.AddLora(small, seed: 1);
        Assert.Equal(before, TrainingModels.Logits(module, documents));

        Disturb(module);
        TrainingModels.Backward(module, documents);
        Assert.All(module.Parameters, static parameter => Assert.Null(parameter.Value.grad));
        Assert.Equal(2 * module.Parameters.Count(static p => small.Adapts(p.Name)), module.Trainable.Length);
        TrainingModels.AssertFiniteDifferences(module, module.Trainable, documents, variant);
    }

    [Theory]
    [InlineData(ExpertLayout.Separate)]
    [InlineData(ExpertLayout.Packed)]
    public void A_merged_model_computes_what_the_adapted_one_does(ExpertLayout layout)
    {
        var config = TrainingModels.Tiny with { TorchDtype = DType.F32, LayernormLinearAttentionAlpha = 1.4f, LayernormMlpAlpha = 1.4f, LayernormMlpBeta = 1 }; // What GGUF can say.
        using var module = MiniMaxM1Module.Create(config, seed: 3);
        var (source, adapter, merged) = (Path.Combine(folder, "base"), Path.Combine(folder, "adapter"), Path.Combine(folder, "merged"));
        module.Save(source);
        module.AddLora(small, seed: 1);
        Disturb(module);
        var documents = PackedDocuments.Of(TrainingModels.Tokens(40, 37));
        var expected = TrainingModels.Logits(module, documents);
        module.Save(Path.Combine(folder, "saved"));
        LoraFile.Write(adapter, module, source);

        using (var lora = LoraAdapter.Open(adapter))
        using (var weights = MiniMaxM1Weights.Load(source, module.Config))
        {
            new FolderExport(module.Config, weights, layout, type: null, lora).Write(merged, tokenizer: null, shardBytes: 1 << 20, cancellationToken: TestContext.Current.CancellationToken);
            new GgufExport(module.Config, weights, type: null, tokenizer: null, "merged", lora).Write(merged + ".gguf", cancellationToken: TestContext.Current.CancellationToken);
        }

        foreach (var model in new[] { Path.Combine(folder, "saved"), merged, merged + ".gguf" })
        {
            using var plain = MiniMaxM1Module.Load(model);
            TrainingModels.AssertClose(expected, TrainingModels.Logits(plain, documents), 1e-5, model);
        }

        using var again = MiniMaxM1Module.Load(source);
        LoraFile.Load(adapter, again);
        Assert.Equal(expected, TrainingModels.Logits(again, documents));
    }

    [Fact]
    public void Training_adapters_keeps_the_model_learns_and_goes_on_bitwise()
    {
        using (var module = MiniMaxM1Module.Create(TrainingModels.Tiny with { TorchDtype = DType.F32, VocabSize = MiniMaxM1Config.Load(RandomTiny.Folder).VocabSize }, seed: 3))
        {
            module.Save(Path.Combine(folder, "base"));
        }

        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(RandomTiny.Folder, name), Path.Combine(folder, "base", name));
        }

        var (chats, weights) = (Path.Combine(folder, "chats.jsonl"), Path.Combine(folder, "base", "model-00000-of-00001.safetensors"));
        File.WriteAllLines(chats, Enumerable.Range(0, 20).Select(static i => $$"""{"messages":[{"role":"user","content":"{{i}}?"},{"role":"assistant","content":"yes"}]}"""));
        var before = File.ReadAllBytes(weights);
        var run = new SftRun
        {
            Model = Path.Combine(folder, "base"),
            Data = [new DataSource("chats", [chats])],
            Steps = 12,
            BatchTokens = 256,
            Stages = [new(128)],
            LearningRate = 2e-2,
            SaveEvery = 6,
            Threads = 1,
            Deterministic = true,
            Lora = small,
        };
        var losses = new List<double>();
        Sft.Run(run, Path.Combine(folder, "whole"), progress: new Losses(losses), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(losses[^1] < 0.8 * losses[0], $"{losses[0]} → {losses[^1]}");
        Assert.Equal(before, File.ReadAllBytes(weights));

        Sft.Run(run, Path.Combine(folder, "cut"), cancellationToken: TestContext.Current.CancellationToken);
        Directory.Delete(TrainingCheckpoint.Latest(Path.Combine(folder, "cut"))!.Folder, recursive: true); // As if the process had been killed: back to step 6.
        Assert.Equal(6, TrainingCheckpoint.Latest(Path.Combine(folder, "cut"))!.Step);
        var other = Assert.Throws<InvalidInputException>(() => Sft.Run(run with { Lora = small with { Alpha = 1 } }, Path.Combine(folder, "cut"), resume: true, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("rank 3", other.Message, StringComparison.Ordinal);
        Sft.Run(run, Path.Combine(folder, "cut"), resume: true, cancellationToken: TestContext.Current.CancellationToken);
        foreach (var name in new[] { "model-00000-of-00001.safetensors", "adapter/adapter_model.safetensors", "trainer/optimizer.safetensors" })
        {
            Assert.Equal(Bytes("whole", name), Bytes("cut", name));
        }

        byte[] Bytes(string name, string file) => File.ReadAllBytes(Path.Combine(TrainingCheckpoint.Latest(Path.Combine(folder, name))!.Folder, file));
    }

    [Fact]
    public void Senseless_options_are_refused()
    {
        LoraOptions[] senseless = [new() { Rank = 0 }, new() { Alpha = 0 }, new() { Alpha = double.NaN }, new() { Targets = [] }, new() { Targets = ["gate"] }];
        Assert.All(senseless, static options => Assert.Throws<InvalidInputException>(options.Validate));
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny with { AttnTypeList = [AttentionKind.Softmax, AttentionKind.Softmax, AttentionKind.Softmax] }, seed: 3);
        Assert.Contains("output_gate", Assert.Throws<InvalidInputException>(() => module.AddLora(new() { Targets = ["output_gate"] }, seed: 1)).Message, StringComparison.Ordinal);
        Assert.Contains("--model", Assert.Throws<InvalidInputException>(new PretrainRun { Config = TrainingModels.Tiny, Data = [new DataSource("a", ["a"])], VocabularySize = 300, Steps = 1, Lora = small }.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r", 0, "at least 1")]
    [InlineData("r", null, "no LoRA configuration")]
    [InlineData("use_dora", true, "use_dora")]
    [InlineData("r", 2, "asks for [2, ")]
    public void An_adapter_that_does_not_fit_is_refused(string field, object? value, string message)
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 3);
        module.Save(Path.Combine(folder, "base"));
        module.AddLora(small, seed: 1);
        LoraFile.Write(Path.Combine(folder, "adapter"), module, "base");
        var config = Path.Combine(folder, "adapter", LoraAdapter.ConfigName);
        var json = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        json[field] = value is null ? null : JsonValue.Create(value);
        File.WriteAllText(config, json.ToJsonString());
        var error = Assert.Throws<InvalidInputException>(Merge);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);

        void Merge()
        {
            using var adapter = LoraAdapter.Open(Path.Combine(folder, "adapter"));
            using var weights = MiniMaxM1Weights.Load(Path.Combine(folder, "base"), module.Config);
            _ = new FolderExport(module.Config, weights, ExpertLayout.Separate, type: null, adapter);
        }
    }

    /// <summary>Gives the matrices B values, so that the adapters count.</summary>
    private static void Disturb(MiniMaxM1Module module)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var generator = new Generator(5, CPU);
        foreach (var parameter in module.Trainable)
        {
            parameter.Value.add_(randn(parameter.Value.shape, generator: generator) * 0.05);
        }
    }

    private sealed class Losses(List<double> losses) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => losses.Add(value.Loss);
    }
}
