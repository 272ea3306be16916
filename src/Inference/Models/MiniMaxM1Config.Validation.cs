using static System.FormattableString;

namespace MiniMaxSharp.Inference;

public sealed partial record MiniMaxM1Config
{
    /// <summary>
    /// Checks that the sizes fit each other and this implementation. <see cref="Load"/> and <see cref="Parse"/> have done so;
    /// call it for a configuration that was built in code.
    /// </summary>
    /// <exception cref="InvalidInputException">A field is unusable; the message names it, its value and what is supported.</exception>
    public void Validate(string source = "configuration")
    {
        CheckSizes(source);
        CheckRelations(source);
        CheckNumbers(source);
        var parameters = new ModelCost(this).ParameterCount;
        if (parameters > long.MaxValue / sizeof(float))
        {
            throw new InvalidInputException(Invariant($"{source}: the sizes give {parameters:N0} parameters, more than can be addressed. ")
                + "Check num_hidden_layers, num_local_experts, hidden_size, intermediate_size and vocab_size.");
        }
    }

    private void CheckSizes(string source)
    {
        ReadOnlySpan<(string Name, int Value, int Least, int Most)> sizes =
        [
            ("hidden_size", HiddenSize, 1, 1 << 20),
            ("intermediate_size", IntermediateSize, 1, 1 << 24),
            // One layer would divide by L-1 = 0 in the decay factor (specification section 3).
            ("num_hidden_layers", NumHiddenLayers, 2, 1 << 10),
            ("num_attention_heads", NumAttentionHeads, 1, 1 << 14),
            ("num_key_value_heads", NumKeyValueHeads, 1, 1 << 14),
            ("head_dim", HeadDim, 1, 1 << 14),
            ("rotary_dim", RotaryDim, 2, 1 << 14),
            ("num_local_experts", NumLocalExperts, 1, 1 << 12),
            ("num_experts_per_tok", NumExpertsPerTok, 1, 1 << 12),
            ("vocab_size", VocabSize, 1, 1 << 28),
            ("shared_intermediate_size", SharedIntermediateSize, 0, 1 << 24),
            ("max_position_embeddings", MaxPositionEmbeddings, 1, int.MaxValue),
        ];
        foreach (var (name, value, least, most) in sizes)
        {
            if (value < least || value > most)
            {
                throw ConfigFields.Unsupported(source, name, Invariant($"{value}"), Invariant($"a whole number from {least:N0} to {most:N0}"));
            }
        }
    }

    private void CheckRelations(string source)
    {
        if (AttnTypeList.IsDefault || AttnTypeList.Length != NumHiddenLayers)
        {
            var entries = AttnTypeList.IsDefault ? 0 : AttnTypeList.Length;
            throw new InvalidInputException($"{source}: attn_type_list has {entries} entries but num_hidden_layers is {NumHiddenLayers}. "
                + "The file may belong to another revision; download it again.");
        }

        if (NumAttentionHeads % NumKeyValueHeads != 0)
        {
            throw ConfigFields.Unsupported(source, "num_key_value_heads", $"{NumKeyValueHeads}",
                $"a divisor of num_attention_heads, which is {NumAttentionHeads}");
        }

        if (RotaryDim % 2 != 0 || RotaryDim > HeadDim)
        {
            throw ConfigFields.Unsupported(source, "rotary_dim", $"{RotaryDim}", $"an even number up to head_dim, which is {HeadDim}");
        }

        if (NumExpertsPerTok > NumLocalExperts)
        {
            throw ConfigFields.Unsupported(source, "num_experts_per_tok", $"{NumExpertsPerTok}",
                $"at most num_local_experts, which is {NumLocalExperts}");
        }

        if (EosTokenId is { } eos && (eos < 0 || eos >= VocabSize))
        {
            throw ConfigFields.Unsupported(source, "eos_token_id", Invariant($"{eos}"), $"null or an id from 0 to {VocabSize - 1}");
        }
    }

    private void CheckNumbers(string source)
    {
        ReadOnlySpan<(string Name, double Value)> factors =
        [
            ("layernorm_linear_attention_alpha", LayernormLinearAttentionAlpha),
            ("layernorm_linear_attention_beta", LayernormLinearAttentionBeta),
            ("layernorm_full_attention_alpha", LayernormFullAttentionAlpha),
            ("layernorm_full_attention_beta", LayernormFullAttentionBeta),
            ("layernorm_mlp_alpha", LayernormMlpAlpha),
            ("layernorm_mlp_beta", LayernormMlpBeta),
            ("router_aux_loss_coef", RouterAuxLossCoef),
        ];
        foreach (var (name, value) in factors)
        {
            if (!double.IsFinite(value))
            {
                throw ConfigFields.Unsupported(source, name, Invariant($"{value}"), "a finite number");
            }
        }

        if (!(RmsNormEps > 0) || !float.IsFinite(RmsNormEps))
        {
            throw ConfigFields.Unsupported(source, "rms_norm_eps", Invariant($"{RmsNormEps}"), "a positive number");
        }

        if (!(RopeTheta > 0) || !double.IsFinite(RopeTheta))
        {
            throw ConfigFields.Unsupported(source, "rope_theta", Invariant($"{RopeTheta}"), "a positive number");
        }
    }
}
