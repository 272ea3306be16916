using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public sealed class CheckpointTests : IDisposable
{
    private const string Index = "model.safetensors.index.json";
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Index_and_no_index_give_the_same_tensors()
    {
        Write(shards: 5);
        using (var checkpoint = Checkpoint.Open(folder.Path))
        {
            Assert.Equal((5, 0), (checkpoint.ShardCount, checkpoint.OpenShardCount));
            Assert.Equal([4f], checkpoint.ReadF32("t4"));
            Assert.Equal(folder["model-00003-of-00005.safetensors"], checkpoint.PathOf("t3"));
            Assert.Equal(1, checkpoint.OpenShardCount);
        }

        File.Delete(folder[Index]);
        using (var checkpoint = Checkpoint.Open(folder.Path))
        {
            Assert.Equal(["t0", "t1", "t2", "t3", "t4"], checkpoint.TensorNames.Order());
            Assert.Equal([4f], checkpoint.ReadF32("t4"));
        }

        // transformers numbers from 1.
        for (var i = 4; i >= 0; i--)
        {
            File.Move(folder[$"model-{i:D5}-of-00005.safetensors"], folder[$"model-{i + 1:D5}-of-00005.safetensors"]);
        }

        using (var checkpoint = Checkpoint.Open(folder.Path))
        {
            Assert.Equal([0f], checkpoint.ReadF32("t0"));
        }
    }

    [Fact]
    public void A_single_file_needs_no_index()
    {
        Write(shards: 1);
        File.Delete(folder[Index]);
        File.Move(folder["model-00000-of-00001.safetensors"], folder["model.safetensors"]);
        using var checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal([0f], checkpoint.ReadF32("t0"));
    }

    [Fact]
    public void A_checkpoint_of_413_shards_opens()
    {
        Write(shards: 413);
        using var checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(413, checkpoint.ShardCount);
        Assert.All(Enumerable.Range(0, 413), i => Assert.Equal(i, checkpoint.Matrix($"t{i}").ToArray()[0]));
        Assert.Equal(413, checkpoint.OpenShardCount);
    }

    [Fact]
    public void Missing_shards_are_named()
    {
        Write(shards: 3);
        File.Delete(folder["model-00001-of-00003.safetensors"]);
        AssertBad(() => Checkpoint.Open(folder.Path), "1 of 3 shards", "model-00001-of-00003.safetensors", "Download");
        File.Delete(folder[Index]);
        AssertBad(() => Checkpoint.Open(folder.Path), "1 of 3 shards", "model-00001-of-00003.safetensors");
        File.Delete(folder["model-00000-of-00003.safetensors"]);
        AssertBad(() => Checkpoint.Open(folder.Path), "2 of 3 shards", "model-00000-of-00003.safetensors");
    }

    [Fact]
    public void Folders_without_weights_are_refused()
    {
        AssertBad(() => Checkpoint.Open(folder["absent"]), "is no folder");
        AssertBad(() => Checkpoint.Open(folder.Path), "holds no weights", "Download");
        Write(shards: 2);
        File.Delete(folder[Index]);
        File.Copy(folder["model-00000-of-00002.safetensors"], folder["model-00000-of-00007.safetensors"]);
        AssertBad(() => Checkpoint.Open(folder.Path), "mixes shards", "00002 and of 00007");
    }

    [Fact]
    public void Index_and_shard_must_agree()
    {
        Write(shards: 2);
        WriteIndex(
            """
            {"weight_map":{"t0":"model-00000-of-00002.safetensors","extra":"model-00000-of-00002.safetensors",
            "t1":"model-00001-of-00002.safetensors"}}
            """);
        using (var checkpoint = Checkpoint.Open(folder.Path))
        {
            AssertBad(() => checkpoint.Matrix("extra"), "lacks tensor extra", "model-00000-of-00002.safetensors");
            AssertBad(() => checkpoint.Matrix("t0"), "lacks tensor extra");
            AssertBad(() => checkpoint.Matrix("nowhere"), "no tensor nowhere");
            Assert.Equal([1f], checkpoint.ReadF32("t1"));
        }

        WriteIndex("""{"weight_map":{"t0":"model-00000-of-00002.safetensors"}}""");
        WriteShard("model-00000-of-00002.safetensors", "t0", "unlisted");
        using (var checkpoint = Checkpoint.Open(folder.Path))
        {
            AssertBad(() => checkpoint.Matrix("t0"), "holds tensor unlisted", "delete the index");
        }
    }

    [Fact]
    public void One_tensor_in_two_shards_is_refused()
    {
        WriteShard("model-00000-of-00002.safetensors", "a", "b");
        WriteShard("model-00001-of-00002.safetensors", "b");
        AssertBad(() => Checkpoint.Open(folder.Path), "both model-00000-of-00002.safetensors and model-00001-of-00002.safetensors hold tensor b");
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "weight_map")]
    [InlineData("{\"weight_map\":3}", "weight_map")]
    [InlineData("{\"weight_map\":{\"a\":7}}", "no plain file name")]
    [InlineData("{\"weight_map\":{\"a\":\"../other/model.safetensors\"}}", "no plain file name")]
    [InlineData("{\"weight_map\":{\"a\":\"x\",\"a\":\"x\"}}", "a twice")]
    public void A_malformed_index_is_refused(string json, string expected)
    {
        WriteIndex(json);
        AssertBad(() => Checkpoint.Open(folder.Path), expected, Index, "Download it again");
    }

    /// <summary>Tensor t{i} in shard i holds the value i.</summary>
    private void Write(int shards)
    {
        var tensors = Enumerable.Range(0, shards).Select(i => new TensorDeclaration($"t{i}", DType.F32, 1)).ToList();
        using var writer = new CheckpointWriter(folder.Path, tensors, shardBytes: 4);
        for (var i = 0; i < shards; i++)
        {
            writer.Write($"t{i}", BitConverter.GetBytes((float)i));
        }

        writer.Complete();
    }

    private void WriteIndex(string json) => File.WriteAllText(folder[Index], json);

    private void WriteShard(string file, params string[] names)
    {
        using var writer = new SafetensorsWriter(folder[file], [.. names.Select(name => new TensorDeclaration(name, DType.F32, 1))]);
        foreach (var name in names)
        {
            writer.Write(name, new byte[4]);
        }

        writer.Complete();
    }

    private static void AssertBad(Action action, params string[] parts)
    {
        var error = Assert.Throws<InvalidInputException>(action);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}
