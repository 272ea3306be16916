using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using MiniMaxSharp.Kernels;
using static System.FormattableString;

namespace MiniMaxSharp.Inference;

/// <content>Reading and writing of <c>config.json</c>; absent fields follow specification section 1, other spellings section 9.</content>
public sealed partial record MiniMaxM1Config
{
    private const long LongestFile = 16 << 20;

    private static readonly FrozenSet<string> Architectures =
        FrozenSet.Create("MiniMaxM1ForCausalLM", "MiniMaxText01ForCausalLM", "MiniMaxForCausalLM");

    private static readonly FrozenSet<string> ModelTypes =
        FrozenSet.Create("minimax_m1", "MiniMaxM1", "minimax_text_01", "MiniMaxText01", TransformersType);

    // Fields that say nothing about the forward pass: tokens, generation defaults, training, tooling.
    private static readonly FrozenSet<string> HarmlessFields = FrozenSet.Create(
        "attention_dropout", "auto_map", "bos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "tokenizer_class", "prefix",
        "initializer_range", "transformers_version", "use_cache", "output_router_logits", "output_hidden_states", "output_attentions", "return_dict",
        "use_return_dict", "name_or_path", "problem_type", "finetuning_task", "task_specific_params", "id2label", "label2id", "num_labels",
        "torchscript", "use_bfloat16", "tf_legacy_loss", "gradient_checkpointing", "pruned_heads", "chunk_size_feed_forward", "attn_implementation",
        "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p",
        "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids",
        "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
        "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "router_jitter_noise",
        // The lightning block length changes only rounding (specification section 3).
        "block_size", "block");

    private static readonly string[] MustBeOffFields =
    [
        "sliding_window", "use_sliding_window", "attention_bias", "qkv_bias", "mlp_bias", "use_bias", "rope_scaling", "quantization_config",
        "is_decoder", "is_encoder_decoder", "add_cross_attention", "cross_attention_hidden_size", "tie_encoder_decoder",
    ];

    // In-tree "minimax" of transformers: other field names, always post-norm.
    private const string TransformersType = "minimax";

    /// <summary>Reads a configuration from a model folder, from its <c>config.json</c>, or from a .gguf file.</summary>
    /// <exception cref="InvalidInputException">The file is absent, unreadable, no JSON, of another family, or asks for something unsupported.</exception>
    public static MiniMaxM1Config Load(string folderOrFile)
    {
        if (GgufFile.IsGgufPath(folderOrFile))
        {
            using var model = GgufModel.Open(folderOrFile);
            return model.Config;
        }

        var path = Directory.Exists(folderOrFile) ? Path.Combine(folderOrFile, "config.json") : folderOrFile;
        if (!File.Exists(path))
        {
            throw new InvalidInputException(path == folderOrFile
                ? $"{path} does not exist. Name a model folder or its config.json."
                : $"{folderOrFile} has no config.json. Name the folder of a model, or download the file again.");
        }

        try
        {
            var length = new FileInfo(path).Length;
            return length <= LongestFile
                ? Parse(File.ReadAllBytes(path), path)
                : throw new InvalidInputException(Invariant($"{path} has {length:N0} bytes, which is no config.json. Name a model folder or its config.json."));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads a configuration from the text of a <c>config.json</c>; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="InvalidInputException">The text is no JSON, of another family, or asks for something unsupported.</exception>
    public static MiniMaxM1Config Parse(ReadOnlySpan<byte> utf8, string source)
    {
        using var document = ParseDocument(utf8, source);
        var fields = new ConfigFields(document.RootElement, source);
        var isTransformers = CheckFamily(fields, source);
        CheckConstants(fields);
        var heads = fields.Int("num_attention_heads");
        var hidden = fields.Int("hidden_size");
        var headDim = fields.OptionalInt("head_dim") ?? (heads > 0 ? hidden / heads : 0);
        var (theta, rotaryDim) = ReadRope(fields, headDim, source);
        var config = new MiniMaxM1Config
        {
            HiddenSize = hidden,
            IntermediateSize = fields.Int("intermediate_size"),
            NumHiddenLayers = fields.Int("num_hidden_layers"),
            NumAttentionHeads = heads,
            NumKeyValueHeads = fields.Int("num_key_value_heads"),
            HeadDim = headDim,
            RotaryDim = rotaryDim,
            NumLocalExperts = fields.OptionalInt("num_local_experts") ?? 8,
            NumExpertsPerTok = fields.OptionalInt("num_experts_per_tok") ?? 2,
            VocabSize = fields.Int("vocab_size"),
            AttnTypeList = ReadLayerKinds(fields, source),
            Postnorm = ReadPostnorm(fields, isTransformers),
            LayernormLinearAttentionAlpha = ResidualFactor(fields, source, "layernorm_linear_attention_alpha", "linear_attn_alpha_factor"),
            LayernormLinearAttentionBeta = ResidualFactor(fields, source, "layernorm_linear_attention_beta", "linear_attn_beta_factor"),
            LayernormFullAttentionAlpha = ResidualFactor(fields, source, "layernorm_full_attention_alpha", "full_attn_alpha_factor"),
            LayernormFullAttentionBeta = ResidualFactor(fields, source, "layernorm_full_attention_beta", "full_attn_beta_factor"),
            LayernormMlpAlpha = ResidualFactor(fields, source, "layernorm_mlp_alpha", "mlp_alpha_factor"),
            LayernormMlpBeta = ResidualFactor(fields, source, "layernorm_mlp_beta", "mlp_beta_factor"),
            SharedIntermediateSize = ReadSharedSize(fields),
            RmsNormEps = (float)(fields.OptionalNumber("rms_norm_eps") ?? 1e-5),
            RopeTheta = theta,
            MaxPositionEmbeddings = fields.OptionalInt("max_position_embeddings") ?? 131_072,
            TieWordEmbeddings = fields.Bool("tie_word_embeddings", absent: false),
            RouterAuxLossCoef = (float)(fields.OptionalNumber("router_aux_loss_coef") ?? 0.001),
            EosTokenId = ReadEos(fields),
            TorchDtype = ReadWeightType(fields, source),
        };
        fields.RefuseUnknown(HarmlessFields);
        config.Validate(source);
        return config;
    }

    private static JsonDocument ParseDocument(ReadOnlySpan<byte> utf8, string source)
    {
        var text = utf8.StartsWith(Encoding.UTF8.Preamble) ? utf8[Encoding.UTF8.Preamble.Length..] : utf8;
        try
        {
            var document = JsonDocument.Parse(text.ToArray(), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document
                : throw new InvalidInputException($"{source}: the file holds no JSON object. Name the config.json of a model.");
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"{source} is not valid JSON: {error.Message} Download the file again.", error);
        }
    }

    // True for the spelling of transformers' own implementation.
    private static bool CheckFamily(ConfigFields fields, string source)
    {
        var type = fields.OptionalString("model_type");
        var architectures = fields.OptionalArray("architectures");
        if (type is not null && !ModelTypes.Contains(type))
        {
            throw ConfigFields.Unsupported(source, "model_type", $"\"{type}\", another model family",
                string.Join(", ", ModelTypes.Order(StringComparer.Ordinal)));
        }

        var names = architectures is { } list
            ? list.EnumerateArray().Select(static e => e.ValueKind == JsonValueKind.String ? e.GetString() : null).ToArray()
            : [];
        if (names.Any(static name => name is null || !Architectures.Contains(name)))
        {
            throw fields.Unsupported("architectures", architectures!.Value, string.Join(", ", Architectures.Order(StringComparer.Ordinal)));
        }

        return type is null && names.Length == 0
            ? throw new InvalidInputException(
                $"{source}: neither model_type nor architectures says which model this is. Add \"model_type\": \"minimax_m1\".")
            : (type ?? names[0]) is TransformersType or "MiniMaxForCausalLM";
    }

    private static void CheckConstants(ConfigFields fields)
    {
        fields.MustBeOff(MustBeOffFields);
        if (fields.Find("hidden_act") is { } activation && !(activation.ValueKind == JsonValueKind.String && activation.ValueEquals("silu")))
        {
            throw fields.Unsupported("hidden_act", activation, "\"silu\"");
        }
    }

    private static (double Theta, int RotaryDim) ReadRope(ConfigFields fields, int headDim, string source)
    {
        var theta = fields.OptionalNumber("rope_theta");
        var rotaryDim = fields.OptionalInt("rotary_dim");
        var fraction = fields.OptionalNumber("partial_rotary_factor");
        if (fields.OptionalObject("rope_parameters") is { } rope)
        {
            if (rope.Find("rope_type") is { } type && !(type.ValueKind == JsonValueKind.String && type.ValueEquals("default")))
            {
                throw rope.Unsupported("rope_type", type, "\"default\"");
            }

            theta = Agreed(theta, rope.OptionalNumber("rope_theta"), "rope_theta and rope_parameters.rope_theta", source);
            fraction = Agreed(fraction, rope.OptionalNumber("partial_rotary_factor"), "partial_rotary_factor and rope_parameters.partial_rotary_factor", source);
            rope.RefuseUnknown(FrozenSet<string>.Empty);
        }

        var fromFraction = fraction is { } part ? (double?)Math.Truncate(Math.Clamp(part, 0, 2) * headDim) : null;
        return (theta ?? 1e6, (int)(Agreed(rotaryDim, fromFraction, "rotary_dim and partial_rotary_factor * head_dim", source) ?? headDim));
    }

    private static double? Agreed(double? one, double? other, string names, string source) =>
        one is null || other is null || one == other
            ? one ?? other
            : throw new InvalidInputException(Invariant($"{source}: {names} disagree: {one} and {other}. Remove the one that is wrong."));

    private static ImmutableArray<AttentionKind> ReadLayerKinds(ConfigFields fields, string source)
    {
        var official = ReadList(fields, "attn_type_list", "0 (lightning) or 1 (softmax) for each layer", static entry =>
            entry.ValueKind == JsonValueKind.Number && entry.TryGetInt32(out var kind) && kind is 0 or 1 ? (AttentionKind)kind : null);
        var other = ReadList(fields, "layer_types", "\"linear_attention\" or \"full_attention\" for each layer", static entry =>
            entry.ValueKind != JsonValueKind.String ? null
            : entry.ValueEquals("linear_attention") ? AttentionKind.Lightning
            : entry.ValueEquals("full_attention") ? AttentionKind.Softmax
            : null);
        if (official is { } one && other is { } two && !one.SequenceEqual(two))
        {
            throw new InvalidInputException($"{source}: attn_type_list and layer_types disagree. Remove the one that is wrong.");
        }

        return official ?? other ?? throw new InvalidInputException($"{source}: attn_type_list is missing. Add one number per layer: 0 lightning, 1 softmax.");
    }

    private static ImmutableArray<AttentionKind>? ReadList(ConfigFields fields, string name, string supported, Func<JsonElement, AttentionKind?> read)
    {
        if (fields.OptionalArray(name) is not { } list)
        {
            return null;
        }

        var kinds = ImmutableArray.CreateBuilder<AttentionKind>(list.GetArrayLength());
        foreach (var entry in list.EnumerateArray())
        {
            kinds.Add(read(entry) ?? throw fields.Unsupported($"{name}[{kinds.Count}]", entry, supported));
        }

        return kinds.MoveToImmutable();
    }

    private static bool ReadPostnorm(ConfigFields fields, bool isTransformers)
    {
        var postnorm = fields.Bool("postnorm", absent: isTransformers);
        return postnorm || !isTransformers
            ? postnorm
            : throw fields.Unsupported("postnorm", fields.Find("postnorm")!.Value, "true, because a model of model_type \"minimax\" is always post-norm");
    }

    // The mode is not read by the official code (it always takes the sigmoid); another one means another model, if there is a shared MLP.
    private static int ReadSharedSize(ConfigFields fields)
    {
        var size = fields.OptionalInt("shared_intermediate_size") ?? 0;
        var mode = fields.OptionalString("shared_moe_mode") ?? "sigmoid";
        return size <= 0 || mode == "sigmoid"
            ? size
            : throw fields.Unsupported("shared_moe_mode", fields.Find("shared_moe_mode")!.Value, "\"sigmoid\"");
    }

    private static float ResidualFactor(ConfigFields fields, string source, string name, string transformersName) =>
        (float)(Agreed(fields.OptionalNumber(name), fields.OptionalNumber(transformersName), $"{name} and {transformersName}", source) ?? 1);

    // A list of ids is legal in transformers; its first entry is the model's own.
    private static int? ReadEos(ConfigFields fields)
    {
        var value = fields.Find("eos_token_id");
        var first = value is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Cast<JsonElement?>().FirstOrDefault() : value;
        return first is not { } id ? null
            : id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number) ? number
            : throw fields.Unsupported("eos_token_id", value!.Value, "null, an id, or a list of ids");
    }

    private static DType ReadWeightType(ConfigFields fields, string source)
    {
        var (older, newer) = (fields.OptionalString("torch_dtype"), fields.OptionalString("dtype"));
        return (older ?? newer)?.Replace("torch.", "", StringComparison.Ordinal) switch
        {
            null or "bfloat16" => DType.BF16,
            "float16" => DType.F16,
            "float32" => DType.F32,
            { } other => throw ConfigFields.Unsupported(source, older is null ? "dtype" : "torch_dtype", $"\"{other}\"", "bfloat16, float16, float32"),
        };
    }
}
