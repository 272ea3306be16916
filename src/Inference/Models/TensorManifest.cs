using System.Collections.Immutable;
using MiniMaxSharp.Kernels;
using static System.FormattableString;

namespace MiniMaxSharp.Inference;

/// <summary>What a tensor is for.</summary>
public enum TensorRole
{
    /// <summary>Rows of the vocabulary, looked up by token id.</summary>
    Embedding,

    /// <summary>The language-model head; absent when it is the embedding.</summary>
    Head,

    /// <summary>Projections of lightning attention.</summary>
    LightningAttention,

    /// <summary>Projections of softmax attention.</summary>
    SoftmaxAttention,

    /// <summary>Router gate of a layer; stored as F32.</summary>
    Router,

    /// <summary>Projections of the experts.</summary>
    Experts,

    /// <summary>Shared MLP and its coefficient (not in M1).</summary>
    SharedMlp,

    /// <summary>Weights of the norms, the one inside lightning attention included.</summary>
    Norm,
}

/// <summary>One tensor of a checkpoint.</summary>
/// <param name="Name">Official name, for example <c>model.layers.0.self_attn.qkv_proj.weight</c>.</param>
/// <param name="Shape">Sizes, outermost first; a linear layer is [out, in].</param>
/// <param name="Type">Type that it is stored in.</param>
/// <param name="Role">What it is for.</param>
/// <param name="Layer">Index of its layer; -1 outside the layers.</param>
public sealed record ManifestTensor(string Name, ImmutableArray<int> Shape, DType Type, TensorRole Role, int Layer)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => Shape.Aggregate(1L, static (product, size) => product * size);

    /// <summary>Bytes in the file.</summary>
    public long ByteSize => ElementCount * Type.ByteSize();
}

/// <summary>
/// The tensors that a checkpoint of a configuration consists of, with the official names (specification section 1), in the order of the official index.
/// H hidden, A heads, KV key/value heads, D head dim, E experts, I expert width, V vocabulary.
/// </summary>
public sealed class TensorManifest
{
    private TensorManifest(ImmutableArray<ManifestTensor> tensors)
    {
        Tensors = tensors;
        TotalParameters = tensors.Sum(static t => t.ElementCount);
        TotalBytes = tensors.Sum(static t => t.ByteSize);
    }

    /// <summary>All tensors.</summary>
    public ImmutableArray<ManifestTensor> Tensors { get; }

    /// <summary>Elements of all tensors.</summary>
    public long TotalParameters { get; }

    /// <summary>Bytes of all tensors; the <c>total_size</c> of an index.</summary>
    public long TotalBytes { get; }

    /// <summary>
    /// Lists the tensors of <paramref name="config"/>. All have <paramref name="weightType"/> but the router gates, which have
    /// <paramref name="routerType"/>: the sizes of the official checkpoint show BF16 and F32.
    /// </summary>
    public static TensorManifest Create(MiniMaxM1Config config, DType weightType = DType.BF16, DType routerType = DType.F32)
    {
        config.Validate();
        var list = new Listing(config, weightType, routerType);
        list.Add("model.embed_tokens.weight", TensorRole.Embedding, config.VocabSize, config.HiddenSize);
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            list.AddLayer(layer);
        }

        list.Add("model.norm.weight", TensorRole.Norm, config.HiddenSize);
        if (!config.TieWordEmbeddings)
        {
            list.Add("lm_head.weight", TensorRole.Head, config.VocabSize, config.HiddenSize);
        }

        return new TensorManifest(list.Tensors.ToImmutable());
    }

    /// <summary>
    /// Compares the names with those of a checkpoint, for example the keys of <c>weight_map</c>. Decay buffers that
    /// transformers stores beside the weights are passed over.
    /// </summary>
    /// <exception cref="InvalidInputException">Names are missing or unexpected; the message has their number and the first few.</exception>
    public void CheckIndex(IEnumerable<string> names, string source)
    {
        var unexpected = new HashSet<string>(names.Where(static name => !WeightMap.IsBuffer(name)), StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var tensor in Tensors)
        {
            if (!unexpected.Remove(tensor.Name))
            {
                missing.Add(tensor.Name);
            }
        }

        if (missing.Count > 0 || unexpected.Count > 0)
        {
            throw new InvalidInputException(Invariant($"{source}: the tensors do not fit config.json, which asks for {Tensors.Length:N0}. ")
                + Describe("missing", missing) + Describe("unexpected", [.. unexpected.Order(StringComparer.Ordinal)])
                + "config.json and the weights may belong to different models; download both again.");
        }
    }

    private static string Describe(string what, List<string> names) => names.Count switch
    {
        0 => "",
        <= 3 => Invariant($"{names.Count:N0} {what}: {string.Join(", ", names)}. "),
        _ => Invariant($"{names.Count:N0} {what}: {string.Join(", ", names.Take(3))}, and {names.Count - 3:N0} more. "),
    };

    private sealed class Listing(MiniMaxM1Config config, DType weightType, DType routerType)
    {
        private int layer = -1;

        public ImmutableArray<ManifestTensor>.Builder Tensors { get; } = ImmutableArray.CreateBuilder<ManifestTensor>();

        public void Add(string name, TensorRole role, params ReadOnlySpan<int> shape) =>
            Tensors.Add(new ManifestTensor(name, [.. shape], role == TensorRole.Router ? routerType : weightType, role, layer));

        public void AddLayer(int index)
        {
            layer = index;
            var prefix = $"model.layers.{index}.";
            var (H, I) = (config.HiddenSize, config.IntermediateSize);
            Add(prefix + "input_layernorm.weight", TensorRole.Norm, H);
            if (config.AttnTypeList[index] == AttentionKind.Lightning)
            {
                AddLightning(prefix + "self_attn.", H, config.QueryWidth);
            }
            else
            {
                AddSoftmax(prefix + "self_attn.", H, config.QueryWidth, config.KeyValueWidth);
            }

            Add(prefix + "post_attention_layernorm.weight", TensorRole.Norm, H);
            Add(prefix + "block_sparse_moe.gate.weight", TensorRole.Router, config.NumLocalExperts, H);
            for (var e = 0; e < config.NumLocalExperts; e++)
            {
                var expert = $"{prefix}block_sparse_moe.experts.{e}.";
                Add(expert + "w1.weight", TensorRole.Experts, I, H);
                Add(expert + "w3.weight", TensorRole.Experts, I, H);
                Add(expert + "w2.weight", TensorRole.Experts, H, I);
            }

            if (config.SharedIntermediateSize > 0)
            {
                Add(prefix + "shared_mlp.gate_proj.weight", TensorRole.SharedMlp, config.SharedIntermediateSize, H);
                Add(prefix + "shared_mlp.up_proj.weight", TensorRole.SharedMlp, config.SharedIntermediateSize, H);
                Add(prefix + "shared_mlp.down_proj.weight", TensorRole.SharedMlp, H, config.SharedIntermediateSize);
                Add(prefix + "coefficient.weight", TensorRole.SharedMlp, 1, H);
            }

            layer = -1;
        }

        private void AddLightning(string prefix, int hidden, int queryWidth)
        {
            Add(prefix + "qkv_proj.weight", TensorRole.LightningAttention, 3 * queryWidth, hidden);
            Add(prefix + "output_gate.weight", TensorRole.LightningAttention, queryWidth, hidden);
            Add(prefix + "norm.weight", TensorRole.Norm, queryWidth);
            Add(prefix + "out_proj.weight", TensorRole.LightningAttention, hidden, queryWidth);
        }

        private void AddSoftmax(string prefix, int hidden, int queryWidth, int keyValueWidth)
        {
            Add(prefix + "q_proj.weight", TensorRole.SoftmaxAttention, queryWidth, hidden);
            Add(prefix + "k_proj.weight", TensorRole.SoftmaxAttention, keyValueWidth, hidden);
            Add(prefix + "v_proj.weight", TensorRole.SoftmaxAttention, keyValueWidth, hidden);
            Add(prefix + "o_proj.weight", TensorRole.SoftmaxAttention, hidden, queryWidth);
        }
    }
}
