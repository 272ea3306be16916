using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Writes a model as one GGUF file of architecture <c>minimax-01</c>, as llama.cpp's converter does: norms and routers in F32, the experts of a layer
/// stacked, every other tensor in the type that is asked for.
/// </summary>
public sealed class GgufExport
{
    private readonly List<ExportTensor> tensors;
    private readonly List<KeyValuePair<string, GgufValue>> metadata;

    /// <summary>Plans the file and refuses what the format cannot express.</summary>
    /// <param name="config">Shape of the model.</param>
    /// <param name="weights">Its weights; they must live until everything is written.</param>
    /// <param name="type">F32, F16 or BF16 for all matrices; null keeps the types that they have.</param>
    /// <param name="tokenizer">Model folder or .gguf file with the tokenizer; null writes a model without one, which llama.cpp loads for token ids only.</param>
    /// <param name="name">Name of the model for people.</param>
    /// <param name="adapter">Merged into the weights.</param>
    /// <exception cref="InvalidInputException">The format cannot express the model or the tokenizer, or the adapter is of another model; the message says why.</exception>
    public GgufExport(MiniMaxM1Config config, MiniMaxM1Weights weights, DType? type, string? tokenizer, string name, LoraAdapter? adapter = null)
        : this(config, weights, _ => type, tokenizer, name, adapter: adapter)
    {
    }

    /// <summary>
    /// The same with a type for each tensor; <paramref name="typeOf"/> is not asked for norms and routers, which are F32.
    /// <paramref name="importance"/> weighs the columns of matrices that are quantised.
    /// </summary>
    /// <exception cref="InvalidInputException">The format cannot express the model or the tokenizer; the message says why.</exception>
    public GgufExport(
        MiniMaxM1Config config,
        MiniMaxM1Weights weights,
        Func<ManifestTensor, DType?> typeOf,
        string? tokenizer,
        string name,
        ImportanceMatrix? importance = null,
        LoraAdapter? adapter = null)
    {
        adapter?.CheckFits(weights.Stored);
        var shape = GgufConfig.Write(config);
        tensors = [.. Plan(config, weights, typeOf).Select(tensor => Weighted(tensor, importance) with { Adapter = adapter })];
        metadata =
        [
            new("general.architecture", GgufValue.Of(GgufConfig.Architecture)),
            new("general.type", GgufValue.Of("model")),
            new("general.name", GgufValue.Of(name)),
            .. shape,
            new("general.file_type", GgufValue.Of(FileType(tensors))),
            .. tokenizer is null ? NoTokenizer(config) : Tokenizer(tokenizer, config, weights),
            new("general.quantization_version", GgufValue.Of(2u)),
        ];
        TotalBytes = tensors.Sum(static tensor => GgufWriter.ByteCount(tensor.Declaration));
    }

    /// <summary>Number of tensors.</summary>
    public int TensorCount => tensors.Count;

    /// <summary>Bytes of all tensors, without the header.</summary>
    public long TotalBytes { get; }

    /// <summary>Writes the file; it gets its name at the end.</summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Receives the bytes written so far.</param>
    /// <param name="cancellationToken">Stops the work; nothing stays behind.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string path, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        using var writer = new GgufWriter(path, metadata, [.. tensors.Select(static tensor => tensor.Declaration)]);
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

        writer.Complete();
    }

    private static List<ExportTensor> Plan(MiniMaxM1Config config, MiniMaxM1Weights weights, Func<ManifestTensor, DType?> typeOf)
    {
        var plan = new List<ExportTensor>();
        var stacked = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in TensorManifest.Create(config).Tensors)
        {
            var (name, expert) = GgufNames.Of(tensor.Name) ?? throw new InvalidOperationException($"{tensor.Name} has no GGUF name.");
            long[] shape = [.. tensor.Shape.Select(static size => (long)size)];
            if (expert < 0)
            {
                var inF32 = tensor.Role is TensorRole.Norm or TensorRole.Router;
                plan.Add(ExportTensor.Of(name, inF32 ? DType.F32 : typeOf(tensor), shape, weights.Part(tensor.Name)));
            }
            else if (stacked.Add(name))
            {
                var part = tensor.Name.Split('.')[^2];
                ExportPart[] experts =
                    [.. Enumerable.Range(0, config.NumLocalExperts).Select(e => weights.Part(WeightMap.Expert(tensor.Layer, e, part)))];
                plan.Add(ExportTensor.Of(name, typeOf(tensor), [experts.Length, .. shape], experts));
            }
        }

        return plan;
    }

    private static ExportTensor Weighted(ExportTensor tensor, ImportanceMatrix? importance) =>
        importance is null || !tensor.Declaration.Type.IsQuantized() ? tensor : tensor with
        {
            Importance = [.. tensor.Parts.Select((part, index) => importance.Of(tensor.Declaration.Name, index, part.Weight.Columns))],
        };

    /// <summary>llama.cpp's number for what most weights are.</summary>
    private static uint FileType(List<ExportTensor> tensors)
    {
        var common = tensors.GroupBy(static tensor => tensor.Declaration.Type)
            .MaxBy(static group => group.Sum(static tensor => GgufWriter.ByteCount(tensor.Declaration)))!.Key;
        return common switch
        {
            DType.F32 => 0,
            DType.F16 => 1,
            DType.Q4_0 => 2,
            DType.Q8_0 => 7,
            DType.Q4_K => 15,
            DType.Q6_K => 18,
            _ => 32,
        };
    }

    private static List<KeyValuePair<string, GgufValue>> NoTokenizer(MiniMaxM1Config config) =>
    [
        new(GgufConfig.Architecture + ".vocab_size", GgufValue.Of((uint)config.VocabSize)),
        new("tokenizer.ggml.model", GgufValue.Of("none")),
    ];

    private static List<KeyValuePair<string, GgufValue>> Tokenizer(string tokenizer, MiniMaxM1Config config, MiniMaxM1Weights weights)
    {
        if (GgufFile.IsGgufPath(tokenizer))
        {
            using var file = GgufFile.Open(tokenizer);
            GgufTokenizer.Read(file.Metadata);
            return [.. file.Metadata.Values.Where(static pair => pair.Key.StartsWith("tokenizer.", StringComparison.Ordinal))];
        }

        var parts = Inference.Tokenizer.LoadParts(tokenizer);
        var values = GgufTokenizer.Write(parts, tokenizer, config);
        var zeroRows = ZeroRows(weights.EmbedTokens, GgufTokenizer.EndOfOrdinaryTokens(parts));
        if (zeroRows.Length > 0)
        {
            values.Add(new("tokenizer.ggml.suppress_tokens", GgufValue.Of(zeroRows)));
        }

        return values;
    }

    /// <summary>Rows of the embedding without a meaning; their logits are not low, so they must not be sampled (specification section 6).</summary>
    private static int[] ZeroRows(Weight embedding, int first)
    {
        var row = new float[embedding.Columns];
        return [.. Enumerable.Range(first, embedding.Rows - first).Where(id =>
        {
            embedding.CopyRow(id, row);
            return !row.AsSpan().ContainsAnyExcept(0f);
        })];
    }
}
