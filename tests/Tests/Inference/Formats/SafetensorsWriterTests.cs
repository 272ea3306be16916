using System.Runtime.InteropServices;
using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public sealed class SafetensorsWriterTests : IDisposable
{
    private static readonly TensorDeclaration[] declarations =
    [
        new("a", DType.F32, 2, 3),
        new("none", DType.BF16, 0, 4),
        new("scalar", DType.I32),
        new("ünïcode \"quoted\"", DType.F16, 3),
        new("ids", DType.I64, 2),
    ];

    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        var path = folder["model.safetensors"];
        WriteAll(path);

        using var file = SafetensorsFile.Open(path);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(declarations.Select(d => d.Name), file.Entries.Values.Select(e => e.Name));
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], file.ReadF32("a"));
        Assert.Equal([0L, 4], file.Entry("none").Shape);
        Assert.Equal([7], file.ReadI32("scalar"));
        Assert.Equal([0.5f, 1.5f, -2f], file.ReadF32("ünïcode \"quoted\""));
        Assert.Equal([8, 9], file.ReadI32("ids"));
        Assert.Equal(0, file.Entry("a").Offset % 8);
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void The_same_input_gives_the_same_bytes()
    {
        WriteAll(folder["x"]);
        WriteAll(folder["y"]);
        Assert.Equal(File.ReadAllBytes(folder["x"]), File.ReadAllBytes(folder["y"]));
    }

    [Fact]
    public void An_unfinished_file_leaves_the_old_one_and_no_temporary()
    {
        File.WriteAllText(folder["x"], "old");
        using (var writer = new SafetensorsWriter(folder["x"], declarations))
        {
            writer.Write("a", new byte[10]);
            var error = Assert.Throws<InvalidOperationException>(writer.Complete);
            Assert.Contains("a from byte 10", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal("old", File.ReadAllText(folder["x"]));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Order_size_and_names_are_enforced()
    {
        using var writer = new SafetensorsWriter(folder["x"], declarations);
        Assert.Throws<InvalidOperationException>(() => writer.Write("scalar", new byte[4]));
        Assert.Throws<InvalidOperationException>(() => writer.Write("a", new byte[25]));
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(folder["y"], [new("a", DType.F32, 1), new("a", DType.F32, 1)]));
        Assert.Throws<OverflowException>(() => new SafetensorsWriter(folder["y"], [new("a", DType.F32, 1L << 40, 1L << 40)]));
        Assert.False(File.Exists(folder["y.tmp"]));
    }

    [Fact]
    public void Shards_are_numbered_from_0_and_listed_in_the_index()
    {
        TensorDeclaration[] tensors =
            [new("a", DType.F32, 4), new("b", DType.F32, 3), new("large", DType.F32, 100), new("c", DType.F32, 1), new("none", DType.F32, 0)];
        using (var writer = new CheckpointWriter(folder.Path, tensors, shardBytes: 28))
        {
            foreach (var tensor in tensors)
            {
                for (var i = 0; i < tensor.Shape[0]; i++)
                {
                    writer.Write(tensor.Name, BitConverter.GetBytes((float)i));
                }
            }

            Assert.DoesNotContain(Directory.GetFiles(folder.Path), path => path.EndsWith(".safetensors", StringComparison.Ordinal));
            writer.Complete();
        }

        Assert.Equal(
            [.. Enumerable.Range(0, 3).Select(i => $"model-0000{i}-of-00003.safetensors"), "model.safetensors.index.json"],
            Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
        using var index = JsonDocument.Parse(File.ReadAllBytes(folder["model.safetensors.index.json"]));
        Assert.Equal(432, index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
        using var checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(0, checkpoint.OpenShardCount);
        Assert.Equal([0f, 1f, 2f], checkpoint.ReadF32("b"));
        Assert.Equal(1, checkpoint.OpenShardCount);
        Assert.Equal(99f, checkpoint.ReadF32("large")[99]);
        Assert.Equal([0f], checkpoint.ReadF32("c"));
        Assert.True(checkpoint.Contains("none"));
    }

    private static void WriteAll(string path)
    {
        using var writer = new SafetensorsWriter(path, declarations);
        var floats = MemoryMarshal.AsBytes<float>([1f, 2f, 3f, 4f, 5f, 6f]);
        writer.Write("a", floats[..5]);
        writer.Write("a", floats[5..]);
        writer.Write("none", []);
        writer.Write("scalar", BitConverter.GetBytes(7));
        writer.Write("ünïcode \"quoted\"", MemoryMarshal.AsBytes<Half>([(Half)0.5f, (Half)1.5f, (Half)(-2f)]));
        writer.Write("ids", MemoryMarshal.AsBytes<long>([8L, 9L]));
        writer.Complete();
    }
}
