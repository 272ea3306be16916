using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

/// <summary>One tensor with its bytes.</summary>
internal sealed record StoredTensor(string Name, DType Type, long[] Shape, byte[] Data);

/// <summary>A small checkpoint in memory, to be changed and written again under other names.</summary>
internal static class StoredCheckpoint
{
    public static List<StoredTensor> Read(string folder)
    {
        var tensors = new List<StoredTensor>();
        foreach (var path in Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using var file = SafetensorsFile.Open(path);
            tensors.AddRange(file.Entries.Values.Select(e => new StoredTensor(e.Name, e.Type!.Value, e.Shape, file.Bytes(e.Name).ToArray())));
        }

        return tensors;
    }

    public static void Write(string folder, IReadOnlyList<StoredTensor> tensors)
    {
        var declarations = tensors.Select(t => new TensorDeclaration(t.Name, t.Type, t.Shape));
        using var writer = new CheckpointWriter(folder, [.. declarations], shardBytes: 300_000);
        foreach (var tensor in tensors)
        {
            writer.Write(tensor.Name, tensor.Data);
        }

        writer.Complete();
    }

    /// <summary>The layout of transformers 5: experts stacked, gate rows before up rows, other names of the block.</summary>
    public static List<StoredTensor> Pack(IReadOnlyList<StoredTensor> official, MiniMaxM1Config config)
    {
        var byName = official.ToDictionary(tensor => tensor.Name);
        var packed = official.Where(tensor => !tensor.Name.Contains(".experts.", StringComparison.Ordinal))
            .Select(tensor => tensor with { Name = tensor.Name.Replace("block_sparse_moe", "mlp", StringComparison.Ordinal) }).ToList();
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            StoredTensor Part(int expert, string part) => byName[$"model.layers.{layer}.block_sparse_moe.experts.{expert}.{part}.weight"];

            var experts = Enumerable.Range(0, config.NumLocalExperts).ToList();
            var type = Part(0, "w1").Type;
            packed.Add(new StoredTensor(
                $"model.layers.{layer}.mlp.experts.gate_up_proj",
                type,
                [experts.Count, 2 * config.IntermediateSize, config.HiddenSize],
                [.. experts.SelectMany(expert => Part(expert, "w1").Data.Concat(Part(expert, "w3").Data))]));
            packed.Add(new StoredTensor(
                $"model.layers.{layer}.mlp.experts.down_proj",
                type,
                [experts.Count, config.HiddenSize, config.IntermediateSize],
                [.. experts.SelectMany(expert => Part(expert, "w2").Data)]));
        }

        return packed;
    }
}
