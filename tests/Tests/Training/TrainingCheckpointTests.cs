using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests.Training;

public sealed class TrainingCheckpointTests : IDisposable
{
    private static readonly CheckpointFiles files = CheckpointFiles.Of(RandomTiny.Folder, new JsonObject { ["name"] = "test" });
    private readonly string run = Directory.CreateTempSubdirectory("minimax-checkpoint-").FullName;

    public void Dispose() => Directory.Delete(run, recursive: true);

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Going_on_from_a_checkpoint_gives_the_same_weights_bitwise(DType stored)
    {
        var config = TrainingModels.Tiny with { TorchDtype = stored };
        using var module = MiniMaxM1Module.Create(config, seed: 1);
        using var optimizer = new AdamW(module);
        Steps(module, optimizer, 0, 3);
        TrainingCheckpoint.Save(run, 3, module, optimizer, new JsonObject { ["cursor"] = 17 }, files);
        Steps(module, optimizer, 3, 3);

        var checkpoint = TrainingCheckpoint.Latest(run)!;
        using var resumed = checkpoint.LoadModule();
        using var resumedOptimizer = new AdamW(resumed);
        checkpoint.Restore(resumedOptimizer);
        Steps(resumed, resumedOptimizer, (int)checkpoint.Step, 3);

        Assert.Equal((3, 17), (checkpoint.Step, (int)checkpoint.State["cursor"]!));
        Assert.Equal("test", (string?)checkpoint.Recipe["name"]);
        Assert.Equal(6, resumedOptimizer.StepCount);
        foreach (var (expected, actual) in module.Parameters.Zip(resumed.Parameters))
        {
            Assert.Equal(expected.Value.data<float>().ToArray(), actual.Value.data<float>().ToArray());
        }
    }

    [Fact]
    public void The_engine_runs_a_checkpoint_as_a_model_folder()
    {
        var config = TrainingModels.Tiny with { VocabSize = MiniMaxM1Config.Load(RandomTiny.Folder).VocabSize };
        using var module = MiniMaxM1Module.Create(config, seed: 1);
        using var optimizer = new AdamW(module);
        var folder = TrainingCheckpoint.Save(run, 1, module, optimizer, [], files);
        Assert.EndsWith(Path.Combine("checkpoints", "step-00000001"), folder, StringComparison.Ordinal);
        using var weights = MiniMaxM1Weights.Load(folder, MiniMaxM1Config.Load(folder));
        Assert.NotEmpty(Tokenizer.Load(folder).Encode("ab"));
    }

    [Fact]
    public void Only_the_newest_are_kept_and_a_damaged_one_is_passed_over()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        using var optimizer = new AdamW(module);
        for (var step = 1; step <= 3; step++)
        {
            TrainingCheckpoint.Save(run, step, module, optimizer, [], files, keepLast: 2);
        }

        var folders = Directory.GetDirectories(TrainingCheckpoint.FolderOf(run)).Order().ToArray();
        Assert.Equal(["step-00000002", "step-00000003"], folders.Select(Path.GetFileName));
        Flip(Path.Combine(folders[1], "trainer", "optimizer.safetensors"));
        Directory.CreateDirectory(Path.Combine(TrainingCheckpoint.FolderOf(run), "step-00000009.tmp"));
        var notes = new List<string>();
        Assert.Equal(2, TrainingCheckpoint.Latest(run, notes.Add)!.Step);
        Assert.Contains("optimizer.safetensors has changed", Assert.Single(notes), StringComparison.Ordinal);
        File.Delete(Path.Combine(folders[0], "trainer", "state.json"));
        Assert.Null(TrainingCheckpoint.Latest(run));
        Assert.Contains("state.json", Assert.Throws<InvalidInputException>(() => TrainingCheckpoint.Open(folders[0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_leaves_the_last_one_whole()
    {
        using var module = MiniMaxM1Module.Create(TrainingModels.Tiny, seed: 1);
        using var optimizer = new AdamW(module);
        TrainingCheckpoint.Save(run, 1, module, optimizer, [], files);
        var unwritable = new CheckpointFiles(new Dictionary<string, byte[]> { [Path.Combine("no", "such", "folder")] = [] }, []);
        var error = Assert.Throws<IOException>(() => TrainingCheckpoint.Save(run, 2, module, optimizer, [], unwritable, keepLast: 1));
        Assert.Contains("step-00000001", error.Message, StringComparison.Ordinal);
        Assert.Equal(["step-00000001"], Directory.GetDirectories(TrainingCheckpoint.FolderOf(run)).Select(Path.GetFileName));
        Assert.Equal(1, TrainingCheckpoint.Latest(run)!.Step);
    }

    private static void Steps(MiniMaxM1Module module, AdamW optimizer, int first, int count)
    {
        for (var step = first; step < first + count; step++)
        {
            TrainingModels.Backward(module, PackedDocuments.Of(TrainingModels.Tokens(70, module.Config.VocabSize, seed: step)));
            optimizer.Step(1e-2);
        }
    }

    private static void Flip(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
