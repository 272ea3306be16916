using System.Text;
using System.Text.Json;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Writes a model as a folder of safetensors: config.json, shards, index and the tokenizer files, under the official names or in the <c>-hf</c> layout
/// of transformers 5 (<see cref="ExpertLayout.Packed"/>).
/// </summary>
public sealed class FolderExport
{
    private static readonly string[] tokenizerFiles =
    [
        "tokenizer.json", "tokenizer_config.json", "merges.txt", "vocab.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
        "generation_config.json",
    ];

    private readonly string configJson;
    private readonly List<ExportTensor> tensors;

    /// <summary>Plans the folder and refuses what the layout cannot express.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="weights">Its weights; they must live until everything is written.</param>
    /// <param name="layout">Names of the tensors and spelling of the configuration.</param>
    /// <param name="type">F32, F16 or BF16 for all tensors but the routers, which are F32 then; null keeps the types that they have.</param>
    /// <param name="adapter">Merged into the weights.</param>
    /// <exception cref="InvalidInputException">The layout cannot express the model, its weights are quantised, or the adapter is of another model.</exception>
    public FolderExport(MiniMaxM1Config config, MiniMaxM1Weights weights, ExpertLayout layout, DType? type, LoraAdapter? adapter = null)
    {
        adapter?.CheckFits(weights.Stored);
        var written = config with { TorchDtype = type ?? config.TorchDtype };
        configJson = layout == ExpertLayout.Packed ? written.ToTransformersJson() : written.ToJson();
        tensors = [.. Plan(config, weights, layout, type).Select(tensor => tensor with { Adapter = adapter })];
        if (tensors.Find(static tensor => tensor.Declaration.Type is not (DType.F32 or DType.F16 or DType.BF16)) is { } quantised)
        {
            throw new InvalidInputException(
                $"{quantised.Declaration.Name} is quantised ({quantised.Declaration.Type}), which this layout does not have. Widen it with --dtype bf16, f16 or f32.");
        }

        TotalBytes = tensors.Sum(static tensor => tensor.Declaration.ByteCount);
    }

    /// <summary>Number of tensors.</summary>
    public int TensorCount => tensors.Count;

    /// <summary>Bytes of all tensors.</summary>
    public long TotalBytes { get; }

    /// <summary>Writes the folder, which is made if needed. Files get their names at the end; a failure or a cancellation leaves nothing new.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="tokenizer">Model folder or .gguf file with the tokenizer; null writes none.</param>
    /// <param name="shardBytes">Most bytes of one shard.</param>
    /// <param name="progress">Receives the bytes written so far.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Write(string folder, string? tokenizer, long shardBytes, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        var isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        var older = Directory.GetFiles(folder, "model-*-of-*.safetensors").Append(Path.Combine(folder, "model.safetensors")).ToList();
        var small = new Dictionary<string, byte[]>(tokenizer is null ? [] : TokenizerFiles(tokenizer)) { ["config.json"] = Encoding.UTF8.GetBytes(configJson) };
        try
        {
            foreach (var (name, bytes) in small)
            {
                File.WriteAllBytes(Path.Combine(folder, name + ".tmp"), bytes);
            }

            using var writer = new CheckpointWriter(folder, [.. tensors.Select(static tensor => tensor.Declaration)], shardBytes);
            WriteTensors(writer, progress, cancellationToken);
            writer.Complete();
            foreach (var name in small.Keys)
            {
                File.Move(Path.Combine(folder, name + ".tmp"), Path.Combine(folder, name), overwrite: true);
            }

            foreach (var path in older.ExceptBy(writer.ShardNames, Path.GetFileName))
            {
                File.Delete(path);
            }
        }
        finally
        {
            foreach (var name in small.Keys)
            {
                File.Delete(Path.Combine(folder, name + ".tmp"));
            }

            if (isNew && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
            }
        }
    }

    private static List<ExportTensor> Plan(MiniMaxM1Config config, MiniMaxM1Weights weights, ExpertLayout layout, DType? type)
    {
        var plan = new List<ExportTensor>();
        foreach (var tensor in TensorManifest.Create(config).Tensors)
        {
            long[] shape = [.. tensor.Shape.Select(static size => (long)size)];
            if (tensor.Role != TensorRole.Experts || layout == ExpertLayout.Separate)
            {
                var name = layout == ExpertLayout.Packed ? tensor.Name.Replace(".block_sparse_moe.", ".mlp.", StringComparison.Ordinal) : tensor.Name;
                var wanted = type is not null && tensor.Role == TensorRole.Router ? DType.F32 : type;
                plan.Add(ExportTensor.Of(name, wanted, shape, weights.Part(tensor.Name)));
            }
            else if (tensor.Name == WeightMap.Expert(tensor.Layer, 0, "w1"))
            {
                plan.AddRange(PackedExperts(config, weights, tensor.Layer, type));
            }
        }

        return plan;
    }

    private static ExportTensor[] PackedExperts(MiniMaxM1Config config, MiniMaxM1Weights weights, int layer, DType? type)
    {
        var (E, I, H) = (config.NumLocalExperts, config.IntermediateSize, config.HiddenSize);
        ExportPart Part(int expert, string part) => weights.Part(WeightMap.Expert(layer, expert, part));
        return
        [
            ExportTensor.Of(WeightMap.PackedGateUp(layer), type, [E, 2L * I, H],
                [.. Enumerable.Range(0, E).SelectMany(expert => new[] { Part(expert, "w1"), Part(expert, "w3") })]),
            ExportTensor.Of(WeightMap.PackedDown(layer), type, [E, H, I], [.. Enumerable.Range(0, E).Select(expert => Part(expert, "w2"))]),
        ];
    }

    /// <summary>The files of a tokenizer by name, from a model folder or a .gguf file.</summary>
    public static IReadOnlyDictionary<string, byte[]> TokenizerFiles(string tokenizer)
    {
        if (!GgufFile.IsGgufPath(tokenizer))
        {
            return tokenizerFiles.Where(name => File.Exists(Path.Combine(tokenizer, name)))
                .ToDictionary(static name => name, name => File.ReadAllBytes(Path.Combine(tokenizer, name)));
        }

        using var file = GgufFile.Open(tokenizer);
        var parts = GgufTokenizer.Read(file.Metadata);
        var template = file.Metadata.OptionalText("tokenizer.chat_template");
        return new Dictionary<string, byte[]>
        {
            ["tokenizer.json"] = TokenizerJsonWriter.Write(parts),
            ["tokenizer_config.json"] = TokenizerConfig([.. GgufTokenizer.RolesOf(file.Metadata, parts)], template),
        };
    }

    private static byte[] TokenizerConfig(List<(string Role, string Content)> roles, string? chatTemplate)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, TokenizerJsonWriter.Options))
        {
            json.WriteStartObject();
            json.WriteBoolean("add_prefix_space", false);
            roles.ForEach(role => json.WriteString($"{role.Role}_token", role.Content));
            if (chatTemplate is not null)
            {
                json.WriteString("chat_template", chatTemplate);
            }

            json.WriteString("tokenizer_class", "GPT2Tokenizer");
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void WriteTensors(CheckpointWriter writer, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var done = 0L;
        foreach (var tensor in tensors)
        {
            tensor.WriteTo(
                (name, bytes) =>
                {
                    writer.Write(name, bytes);
                    progress?.Report(done += bytes.Length);
                },
                cancellationToken);
        }
    }
}
