using System.Globalization;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// A GGUF file of llama.cpp's architecture <c>minimax-01</c>: configuration, weights, tokenizer and chat template.
/// A model that was split (<c>x-00001-of-00003.gguf</c>) is opened by its first file.
/// </summary>
public sealed class GgufModel : IDisposable
{
    private readonly List<GgufFile> files;

    private GgufModel(List<GgufFile> files)
    {
        this.files = files;
        var tensors = files.SelectMany(static file => file.Tensors.Values).ToList();
        var embedding = tensors.Find(static tensor => tensor.Name == GgufNames.EmbedTokens)
            ?? throw new InvalidInputException($"{files[0].Path} has no tensor {GgufNames.EmbedTokens}. It holds no complete model; download or convert it again.");
        Config = GgufConfig.Read(Metadata, embedding, tensors.Exists(static tensor => tensor.Name == GgufNames.LmHead), CommonType(tensors));
    }

    /// <summary>The metadata.</summary>
    public GgufMetadata Metadata => files[0].Metadata;

    /// <summary>Shape of the model.</summary>
    public MiniMaxM1Config Config { get; }

    /// <summary>The Jinja template of the conversation, or null when the file has none.</summary>
    public string? ChatTemplate => Metadata.OptionalText("tokenizer.chat_template");

    /// <summary>Ids of rows without a token, whose embedding is zero: they must not be sampled (specification section 6).</summary>
    public IReadOnlyList<int> SuppressTokens => [.. (Metadata.OptionalIntegers("tokenizer.ggml.suppress_tokens") ?? []).Select(static id => (int)id)];

    /// <summary>Opens <paramref name="path"/>; weights are mapped, not read.</summary>
    /// <exception cref="InvalidInputException">The file is missing, malformed or of another architecture.</exception>
    public static GgufModel Open(string path)
    {
        var files = new List<GgufFile> { GgufFile.Open(path) };
        try
        {
            OpenOtherParts(files);
            return new GgufModel(files);
        }
        catch
        {
            files.ForEach(static file => file.Dispose());
            throw;
        }
    }

    /// <summary>
    /// The weights; they live as long as this object, and disposing them closes it.
    /// </summary>
    /// <param name="checkFinite">True: also read all weights and refuse NaN and infinities.</param>
    /// <exception cref="InvalidInputException">A name, shape, type or value is wrong.</exception>
    public MiniMaxM1Weights LoadWeights(bool checkFinite = false) =>
        new MiniMaxM1WeightsLoader(new GgufWeightSource(files, Config), Config).Load(checkFinite);

    /// <summary>The tokenizer.</summary>
    /// <exception cref="InvalidInputException">The file has none, or one of an unsupported kind.</exception>
    public Tokenizer LoadTokenizer() => new(GgufTokenizer.Read(Metadata));

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(static file => file.Dispose());

    private static void OpenOtherParts(List<GgufFile> files)
    {
        var first = files[0];
        var count = first.Metadata.OptionalInt("split.count") ?? 1;
        if (count <= 1)
        {
            return;
        }

        var ending = string.Create(CultureInfo.InvariantCulture, $"-00001-of-{count:D5}.gguf");
        if (first.Metadata.OptionalInt("split.no") != 0 || !first.Path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidInputException(
                $"{first.Path} is part of a model in {count} files, but not the first, or renamed. Name the file that ends in {ending}, with the others beside it.");
        }

        for (var part = 2; part <= count; part++)
        {
            files.Add(GgufFile.Open(first.Path[..^ending.Length] + string.Create(CultureInfo.InvariantCulture, $"-{part:D5}-of-{count:D5}.gguf")));
        }
    }

    /// <summary>The float type that most weights have; BF16 for a quantised model.</summary>
    private static DType CommonType(List<GgufTensor> tensors)
    {
        var common = tensors.GroupBy(static tensor => tensor.Type).MaxBy(static group => group.Sum(static tensor => tensor.ByteCount))?.Key.Type;
        return common is DType.F32 or DType.F16 ? common.Value : DType.BF16;
    }
}
