using System.Text.Json;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Writes the weights of a checkpoint as shards <c>model-00000-of-0000N.safetensors</c> (numbered from 0, as MiniMax-M1 does)
/// and <c>model.safetensors.index.json</c>. Everything is under temporary names until <see cref="Complete"/>.
/// </summary>
public sealed class CheckpointWriter : IDisposable
{
    private readonly string folder;
    private readonly List<List<TensorDeclaration>> shards;
    private readonly Dictionary<string, int> shardOf = new(StringComparer.Ordinal);
    private readonly List<SafetensorsWriter> writers = [];

    /// <summary>Plans the shards and opens the first.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="tensors">All tensors, in the order of writing.</param>
    /// <param name="shardBytes">Most bytes of data in one shard; a larger tensor gets a shard of its own.</param>
    /// <exception cref="ArgumentException">A name occurs twice.</exception>
    /// <exception cref="IOException">The first shard cannot be made.</exception>
    public CheckpointWriter(string folder, IReadOnlyList<TensorDeclaration> tensors, long shardBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shardBytes);
        this.folder = folder;
        shards = Plan(tensors, shardBytes);
        for (var shard = 0; shard < shards.Count; shard++)
        {
            foreach (var tensor in shards[shard])
            {
                shardOf.Add(tensor.Name, shard);
            }
        }

        TotalBytes = tensors.Sum(tensor => tensor.ByteCount);
        OpenNext();
    }

    /// <summary>Bytes of all tensors, <c>total_size</c> of the index.</summary>
    public long TotalBytes { get; }

    /// <summary>File names of the shards.</summary>
    public IEnumerable<string> ShardNames => Enumerable.Range(0, shards.Count).Select(shard => ShardName(shard, shards.Count));

    /// <summary>Writes the next bytes of tensor <paramref name="name"/>; tensors come in the declared order.</summary>
    /// <exception cref="InvalidOperationException">It is not this tensor's turn, or these are too many bytes.</exception>
    public void Write(string name, ReadOnlySpan<byte> chunk)
    {
        var shard = shardOf.TryGetValue(name, out var found) ? found : throw new InvalidOperationException($"The tensor {name} was not declared.");
        while (writers.Count <= shard)
        {
            writers[^1].Close();
            OpenNext();
        }

        writers[shard].Write(name, chunk);
    }

    /// <summary>Gives shards and index their names, the index last.</summary>
    /// <exception cref="InvalidOperationException">Data is missing.</exception>
    public void Complete()
    {
        writers[^1].Close();
        while (writers.Count < shards.Count)
        {
            OpenNext();
            writers[^1].Close();
        }

        var indexPath = Path.Combine(folder, Checkpoint.IndexName);
        var temporaryPath = indexPath + ".tmp";
        try
        {
            WriteIndex(temporaryPath);
            writers.ForEach(writer => writer.Publish());
            File.Move(temporaryPath, indexPath, overwrite: true);
        }
        finally
        {
            File.Delete(temporaryPath);
        }
    }

    /// <summary>Removes the temporary files when the writer was not completed.</summary>
    public void Dispose() => writers.ForEach(writer => writer.Dispose());

    private static string ShardName(int index, int count) => $"model-{index:D5}-of-{count:D5}.safetensors";

    private static List<List<TensorDeclaration>> Plan(IReadOnlyList<TensorDeclaration> tensors, long shardBytes)
    {
        var shards = new List<List<TensorDeclaration>> { new() };
        var size = 0L;
        foreach (var tensor in tensors)
        {
            if (shards[^1].Count > 0 && tensor.ByteCount > shardBytes - size)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(tensor);
            size += tensor.ByteCount;
        }

        return shards;
    }

    private void OpenNext()
    {
        var index = writers.Count;
        writers.Add(new SafetensorsWriter(Path.Combine(folder, ShardName(index, shards.Count)), shards[index]));
    }

    private void WriteIndex(string path)
    {
        using var stream = File.Create(path);
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        writer.WriteNumber("total_size", TotalBytes);
        writer.WriteEndObject();
        writer.WriteStartObject("weight_map");
        foreach (var tensor in shards.SelectMany(shard => shard))
        {
            writer.WriteString(tensor.Name, ShardName(shardOf[tensor.Name], shards.Count));
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
