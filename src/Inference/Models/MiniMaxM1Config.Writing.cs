using System.Buffers;
using System.Numerics;
using System.Text;
using System.Text.Json;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <content>Writing of <c>config.json</c>.</content>
public sealed partial record MiniMaxM1Config
{
    /// <summary>
    /// The text of a <c>config.json</c> under the official field names, in the order of the official file.
    /// <see cref="Parse"/> reads the same configuration back, and so do vLLM and the official code.
    /// </summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            Write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>
    /// The text of a <c>config.json</c> for transformers' own implementation (<c>model_type</c> "minimax"), which <see cref="Parse"/> reads too.
    /// </summary>
    /// <exception cref="InvalidInputException">That implementation cannot express the model.</exception>
    public string ToTransformersJson()
    {
        CheckTransformers();
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            WriteTransformers(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private void CheckTransformers()
    {
        var reason = !Postnorm ? "postnorm is false, but its models are always post-norm"
            : SharedIntermediateSize > 0 ? "the model has a shared MLP, which its implementation does not have"
            : !BitOperations.IsPow2(NumAttentionHeads)
                ? $"num_attention_heads is {NumAttentionHeads}, but its decay slopes are those of the official code only for powers of two"
            : null;
        if (reason is not null)
        {
            throw new InvalidInputException($"The -hf layout (transformers, model_type minimax) cannot express this model: {reason}. Keep the official layout.");
        }
    }

    private void WriteTransformers(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue("MiniMaxForCausalLM");
        json.WriteEndArray();
        json.WriteNumber("attention_dropout", 0);
        json.WriteNumber("block_size", 256);
        json.WriteNull("bos_token_id");
        json.WriteString("dtype", DTypeName());
        WriteEos(json);
        json.WriteNumber("full_attn_alpha_factor", LayernormFullAttentionAlpha);
        json.WriteNumber("full_attn_beta_factor", LayernormFullAttentionBeta);
        json.WriteNumber("head_dim", HeadDim);
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", HiddenSize);
        json.WriteNumber("intermediate_size", IntermediateSize);
        json.WriteStartArray("layer_types");
        foreach (var kind in AttnTypeList)
        {
            json.WriteStringValue(kind == AttentionKind.Lightning ? "linear_attention" : "full_attention");
        }

        json.WriteEndArray();
        json.WriteNumber("linear_attn_alpha_factor", LayernormLinearAttentionAlpha);
        json.WriteNumber("linear_attn_beta_factor", LayernormLinearAttentionBeta);
        json.WriteNumber("max_position_embeddings", MaxPositionEmbeddings);
        json.WriteNumber("mlp_alpha_factor", LayernormMlpAlpha);
        json.WriteNumber("mlp_beta_factor", LayernormMlpBeta);
        json.WriteString("model_type", TransformersType);
        json.WriteNumber("num_attention_heads", NumAttentionHeads);
        json.WriteNumber("num_experts_per_tok", NumExpertsPerTok);
        json.WriteNumber("num_hidden_layers", NumHiddenLayers);
        json.WriteNumber("num_key_value_heads", NumKeyValueHeads);
        json.WriteNumber("num_local_experts", NumLocalExperts);
        json.WriteBoolean("output_router_logits", false);
        json.WriteNumber("rms_norm_eps", RmsNormEps);
        WriteTransformersRope(json);
        json.WriteNumber("router_aux_loss_coef", RouterAuxLossCoef);
        json.WriteNumber("router_jitter_noise", 0);
        json.WriteNull("sliding_window");
        json.WriteBoolean("tie_word_embeddings", TieWordEmbeddings);
        json.WriteBoolean("use_cache", true);
        json.WriteNumber("vocab_size", VocabSize);
        json.WriteEndObject();
    }

    private void WriteTransformersRope(Utf8JsonWriter json)
    {
        json.WriteStartObject("rope_parameters");
        var fraction = (double)RotaryDim / HeadDim;
        if ((int)(fraction * HeadDim) == RotaryDim)
        {
            json.WriteNumber("partial_rotary_factor", fraction);
        }

        json.WriteNumber("rope_theta", RopeTheta);
        json.WriteString("rope_type", "default");
        json.WriteEndObject();
        json.WriteNumber("rotary_dim", RotaryDim);
    }

    private string DTypeName() => TorchDtype switch
    {
        DType.BF16 => "bfloat16",
        DType.F16 => "float16",
        DType.F32 => "float32",
        _ => throw new InvalidOperationException($"{TorchDtype} is no type of weights."),
    };

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue("MiniMaxM1ForCausalLM");
        json.WriteEndArray();
        json.WriteNumber("attention_dropout", 0);
        json.WriteStartArray("attn_type_list");
        foreach (var kind in AttnTypeList)
        {
            json.WriteNumberValue((int)kind);
        }

        json.WriteEndArray();
        json.WriteNull("bos_token_id");
        WriteEos(json);
        json.WriteNumber("head_dim", HeadDim);
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", HiddenSize);
        json.WriteNumber("intermediate_size", IntermediateSize);
        json.WriteNumber("layernorm_full_attention_alpha", LayernormFullAttentionAlpha);
        json.WriteNumber("layernorm_full_attention_beta", LayernormFullAttentionBeta);
        json.WriteNumber("layernorm_linear_attention_alpha", LayernormLinearAttentionAlpha);
        json.WriteNumber("layernorm_linear_attention_beta", LayernormLinearAttentionBeta);
        json.WriteNumber("layernorm_mlp_alpha", LayernormMlpAlpha);
        json.WriteNumber("layernorm_mlp_beta", LayernormMlpBeta);
        json.WriteNumber("max_position_embeddings", MaxPositionEmbeddings);
        json.WriteString("model_type", "minimax_m1");
        json.WriteNumber("num_attention_heads", NumAttentionHeads);
        json.WriteNumber("num_experts_per_tok", NumExpertsPerTok);
        json.WriteNumber("num_hidden_layers", NumHiddenLayers);
        json.WriteNumber("num_key_value_heads", NumKeyValueHeads);
        json.WriteNumber("num_local_experts", NumLocalExperts);
        json.WriteBoolean("output_router_logits", false);
        json.WriteBoolean("postnorm", Postnorm);
        json.WriteNumber("rms_norm_eps", RmsNormEps);
        json.WriteNumber("rope_theta", RopeTheta);
        json.WriteNumber("rotary_dim", RotaryDim);
        json.WriteNumber("router_aux_loss_coef", RouterAuxLossCoef);
        json.WriteNumber("router_jitter_noise", 0);
        json.WriteNumber("shared_intermediate_size", SharedIntermediateSize);
        json.WriteString("shared_moe_mode", "sigmoid");
        json.WriteNull("sliding_window");
        json.WriteBoolean("tie_word_embeddings", TieWordEmbeddings);
        json.WriteString("torch_dtype", DTypeName());
        json.WriteBoolean("use_cache", true);
        json.WriteNumber("vocab_size", VocabSize);
        json.WriteEndObject();
    }

    private void WriteEos(Utf8JsonWriter json)
    {
        if (EosTokenId is { } id)
        {
            json.WriteNumber("eos_token_id", id);
        }
        else
        {
            json.WriteNull("eos_token_id");
        }
    }
}
