using System.Collections.Immutable;
using System.Numerics;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The configuration of a model ⇄ the metadata of llama.cpp's architecture <c>minimax-01</c>. That architecture is always post-norm, has one residual
/// factor for all sublayers and no shared MLP.
/// </summary>
internal static class GgufConfig
{
    /// <summary>Name of the architecture.</summary>
    public const string Architecture = "minimax-01";

    private const string Prefix = Architecture + ".";
    private const string RecurrentLayers = Prefix + "attention.recurrent_layers";
    private const string Interval = Prefix + "full_attention_interval";

    // Without a key, llama.cpp makes every eighth layer a softmax layer.
    private const int DefaultInterval = 8;

    // Values that llama.cpp would honour in other models; here only the neutral one fits the forward pass.
    private static readonly (string Key, double Neutral)[] neutralNumbers =
    [
        ("rope.scaling.factor", 1), ("expert_shared_count", 0), ("leading_dense_block_count", 0), ("expert_gating_func", 1), ("nextn_predict_layers", 0),
        ("attention.sliding_window", 0), ("embedding_scale", 1), ("logit_scale", 1), ("expert_group_count", 1),
    ];

    /// <summary>Reads the configuration.</summary>
    /// <exception cref="InvalidInputException">Another architecture, or a value that cannot be used.</exception>
    public static MiniMaxM1Config Read(GgufMetadata metadata, GgufTensor embedding, bool hasHead, DType weightType)
    {
        var architecture = metadata.OptionalText("general.architecture");
        if (architecture != Architecture)
        {
            throw new InvalidInputException(
                $"{metadata.Source}: the architecture is {architecture ?? "not named"}; only {Architecture} (MiniMax-M1, MiniMax-Text-01) is supported.");
        }

        CheckNeutral(metadata);
        var layers = metadata.Int(Prefix + "block_count");
        var heads = Uniform(metadata, "attention.head_count");
        var hidden = metadata.Int(Prefix + "embedding_length");
        var headDim = metadata.OptionalInt(Prefix + "attention.key_length") ?? (heads > 0 ? hidden / heads : 0);
        CheckValueLength(metadata, headDim);
        var alpha = (float)metadata.Number(Prefix + "residual_scale");
        var eos = metadata.OptionalInt("tokenizer.ggml.eos_token_id");
        var vocabulary = (int)Math.Min(embedding.Shape[0], int.MaxValue);
        var config = new MiniMaxM1Config
        {
            HiddenSize = hidden,
            IntermediateSize = Uniform(metadata, "feed_forward_length"),
            NumHiddenLayers = layers,
            NumAttentionHeads = heads,
            NumKeyValueHeads = Uniform(metadata, "attention.head_count_kv"),
            HeadDim = headDim,
            RotaryDim = metadata.OptionalInt(Prefix + "rope.dimension_count") ?? headDim,
            NumLocalExperts = metadata.Int(Prefix + "expert_count"),
            NumExpertsPerTok = metadata.Int(Prefix + "expert_used_count"),
            VocabSize = vocabulary,
            AttnTypeList = ReadLayerKinds(metadata, layers),
            Postnorm = true,
            LayernormLinearAttentionAlpha = alpha,
            LayernormFullAttentionAlpha = alpha,
            LayernormMlpAlpha = alpha,
            RmsNormEps = (float)metadata.Number(Prefix + "attention.layer_norm_rms_epsilon"),
            RopeTheta = metadata.OptionalNumber(Prefix + "rope.freq_base") ?? 10_000,
            MaxPositionEmbeddings = metadata.Int(Prefix + "context_length"),
            TieWordEmbeddings = !hasHead,
            EosTokenId = eos < vocabulary ? eos : null,
            TorchDtype = weightType,
        };
        config.Validate(metadata.Source);
        return config;
    }

    /// <summary>The metadata of a configuration, as llama.cpp's converter writes it.</summary>
    /// <exception cref="InvalidInputException">The format cannot express the configuration.</exception>
    public static List<KeyValuePair<string, GgufValue>> Write(MiniMaxM1Config config)
    {
        CheckExpressible(config);
        var values = new List<KeyValuePair<string, GgufValue>>();
        void Add(string key, GgufValue value) => values.Add(new(Prefix + key, value));
        void AddSize(string key, int value) => Add(key, GgufValue.Of((uint)value));

        AddSize("block_count", config.NumHiddenLayers);
        AddSize("context_length", config.MaxPositionEmbeddings);
        AddSize("embedding_length", config.HiddenSize);
        AddSize("feed_forward_length", config.IntermediateSize);
        AddSize("attention.head_count", config.NumAttentionHeads);
        AddSize("attention.head_count_kv", config.NumKeyValueHeads);
        Add("rope.freq_base", GgufValue.Of((float)config.RopeTheta));
        Add("attention.layer_norm_rms_epsilon", GgufValue.Of(config.RmsNormEps));
        AddSize("expert_count", config.NumLocalExperts);
        AddSize("expert_used_count", config.NumExpertsPerTok);
        AddSize("attention.key_length", config.HeadDim);
        AddSize("attention.value_length", config.HeadDim);
        Add("residual_scale", GgufValue.Of(config.LayernormMlpAlpha));
        AddSize("rope.dimension_count", config.RotaryDim);
        if (!config.AttnTypeList.SequenceEqual(EveryNth(config.NumHiddenLayers, DefaultInterval)))
        {
            values.Add(new(RecurrentLayers, GgufValue.Of([.. config.AttnTypeList.Select(static kind => kind == AttentionKind.Lightning)])));
        }

        return values;
    }

    private static void CheckNeutral(GgufMetadata metadata)
    {
        foreach (var (key, neutral) in neutralNumbers)
        {
            if (metadata.OptionalNumber(Prefix + key) is { } number && number != neutral && number != 0)
            {
                throw ConfigFields.Unsupported(metadata.Source, Prefix + key, FormattableString.Invariant($"{number}"), FormattableString.Invariant($"{neutral}"));
            }
        }

        // llama.cpp takes 0 for "not set".
        if (metadata.OptionalNumber(Prefix + "expert_weights_scale") is { } scale && scale is not (0 or 1))
        {
            throw ConfigFields.Unsupported(metadata.Source, Prefix + "expert_weights_scale", FormattableString.Invariant($"{scale}"), "1");
        }

        if (metadata.OptionalText(Prefix + "rope.scaling.type") is { } scaling and not "none")
        {
            throw ConfigFields.Unsupported(metadata.Source, Prefix + "rope.scaling.type", $"\"{scaling}\"", "\"none\" or absent");
        }
    }

    private static void CheckValueLength(GgufMetadata metadata, int headDim)
    {
        if (metadata.OptionalInt(Prefix + "attention.value_length") is { } length && length != headDim)
        {
            throw ConfigFields.Unsupported(metadata.Source, Prefix + "attention.value_length", FormattableString.Invariant($"{length}"),
                FormattableString.Invariant($"that of the keys, {headDim}"));
        }
    }

    /// <summary>A size that may be given once, or for each layer if it is the same in all.</summary>
    private static int Uniform(GgufMetadata metadata, string key)
    {
        if (metadata.Find(Prefix + key) is not { Type: GgufValueType.Array } value)
        {
            return metadata.Int(Prefix + key);
        }

        return metadata.OptionalIntegers(Prefix + key)!.Distinct().ToList() is [var size and >= 0 and <= int.MaxValue]
            ? (int)size
            : throw metadata.Unexpected(Prefix + key, value, "one number for all layers");
    }

    private static ImmutableArray<AttentionKind> ReadLayerKinds(GgufMetadata metadata, int layers)
    {
        if (metadata.Find(RecurrentLayers) is not { } value)
        {
            return [.. EveryNth(layers, Math.Max(1, metadata.OptionalInt(Interval) ?? DefaultInterval))];
        }

        if (value.Content is bool all)
        {
            return [.. Enumerable.Repeat(all ? AttentionKind.Lightning : AttentionKind.Softmax, Math.Min(layers, 1 << 16))];
        }

        var kinds = metadata.OptionalIntegers(RecurrentLayers)!;
        return kinds.Length == layers
            ? [.. kinds.Select(static kind => kind != 0 ? AttentionKind.Lightning : AttentionKind.Softmax)]
            : throw metadata.Unexpected(RecurrentLayers, value, FormattableString.Invariant($"a list of {layers} values"));
    }

    private static IEnumerable<AttentionKind> EveryNth(int layers, int interval) =>
        Enumerable.Range(1, Math.Min(layers, 1 << 16)).Select(i => i % interval == 0 ? AttentionKind.Softmax : AttentionKind.Lightning);

    private static void CheckExpressible(MiniMaxM1Config config)
    {
        float[] alphas = [config.LayernormLinearAttentionAlpha, config.LayernormFullAttentionAlpha, config.LayernormMlpAlpha];
        float[] betas = [config.LayernormLinearAttentionBeta, config.LayernormFullAttentionBeta, config.LayernormMlpBeta];
        var reason = !config.Postnorm ? "postnorm is false, but its models are always post-norm"
            : alphas.Distinct().Count() > 1 ? "the layernorm_*_alpha differ, but it has one residual_scale for all sublayers"
            : betas.Any(static beta => beta != 1) ? "a layernorm_*_beta is not 1, and it has no output factors"
            : config.SharedIntermediateSize > 0 ? "the model has a shared MLP, and it has no tensors for one"
            : !BitOperations.IsPow2(config.NumAttentionHeads)
                ? $"num_attention_heads is {config.NumAttentionHeads}, but its decay slopes are those of the official code only for powers of two"
            : config.CountLayers(AttentionKind.Softmax) == 0 ? "all layers are lightning layers, and llama.cpp cannot run a model without a softmax layer"
            : null;
        if (reason is not null)
        {
            throw new InvalidInputException($"GGUF (architecture {Architecture}) cannot express this model: {reason}. Keep it as safetensors.");
        }
    }
}
