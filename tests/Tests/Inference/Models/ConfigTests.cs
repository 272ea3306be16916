using System.Text.Json.Nodes;
using CsCheck;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests;

public class ConfigTests
{
    [Fact]
    public void The_official_configuration_gives_the_published_sizes() =>
        ModelFacts.AssertEqual(ModelFacts.MiniMaxM1, MiniMaxM1Config.Load(Fixtures.Shared("data/minimax-m1")));

    [Fact]
    public void Every_golden_configuration_loads_and_survives_being_written()
    {
        foreach (var name in ModelFacts.TinyModels)
        {
            var config = MiniMaxM1Config.Load(Fixtures.Shared($"golden/model/{name}"));
            ModelFacts.AssertEqual(config, ModelFacts.Parse(JsonNode.Parse(config.ToJson())!));
        }
    }

    [Fact]
    public void Fields_that_differ_between_kinds_of_layer_are_not_mixed_up()
    {
        var config = MiniMaxM1Config.Load(Fixtures.Shared("golden/model/tiny-shared"));
        Assert.Equal((1.7f, 0.8f), (config.AttentionAlpha(AttentionKind.Lightning), config.AttentionBeta(AttentionKind.Lightning)));
        Assert.Equal((2.1f, 1.2f), (config.AttentionAlpha(AttentionKind.Softmax), config.AttentionBeta(AttentionKind.Softmax)));
        Assert.Equal((1.9f, 0.9f), (config.LayernormMlpAlpha, config.LayernormMlpBeta));
        Assert.Equal((64, 64), (config.SharedIntermediateSize, config.QueryWidth));
        Assert.Equal(DType.F32, config.TorchDtype);
    }

    [Fact]
    public void Any_configuration_reads_back_as_it_was_written()
    {
        var factor = Gen.Float[-8f, 8f];
        Gen.Select(factor, factor, factor, Gen.Double[1e-3, 1e9], Gen.Bool, Gen.Bool, Gen.Int[0, 49].Nullable(), Gen.Int[0, 9])
            .Sample((alpha, beta, mlp, theta, postnorm, tied, eos, shared) =>
            {
                var config = ModelFacts.Small with
                {
                    LayernormLinearAttentionAlpha = alpha,
                    LayernormFullAttentionBeta = beta,
                    LayernormMlpAlpha = mlp,
                    RmsNormEps = Math.Abs(alpha) + 1e-9f,
                    RopeTheta = theta,
                    Postnorm = postnorm,
                    TieWordEmbeddings = tied,
                    EosTokenId = eos,
                    SharedIntermediateSize = shared,
                    TorchDtype = tied ? DType.F16 : DType.F32,
                };
                ModelFacts.AssertEqual(config, ModelFacts.Parse(JsonNode.Parse(config.ToJson())!));
            }, iter: 200);
    }

    [Fact]
    public void Absent_fields_take_the_defaults_of_the_official_class()
    {
        var json = ModelFacts.SmallJson();
        string[] optional =
        [
            "head_dim", "rotary_dim", "postnorm", "layernorm_linear_attention_alpha", "layernorm_linear_attention_beta",
            "layernorm_full_attention_alpha", "layernorm_full_attention_beta", "layernorm_mlp_alpha", "layernorm_mlp_beta", "shared_intermediate_size",
            "rope_theta", "rms_norm_eps", "num_local_experts", "num_experts_per_tok", "hidden_act", "tie_word_embeddings", "torch_dtype",
        ];
        foreach (var name in optional)
        {
            Assert.True(json.Remove(name), name);
        }

        var config = ModelFacts.Parse(json);
        Assert.Equal((6, 6), (config.HeadDim, config.RotaryDim));
        Assert.Equal((8, 2), (config.NumLocalExperts, config.NumExpertsPerTok));
        Assert.Equal((1e6, 1e-5f), (config.RopeTheta, config.RmsNormEps));
        Assert.Equal((1f, 1f, 1f), (config.LayernormLinearAttentionAlpha, config.LayernormFullAttentionAlpha, config.LayernormMlpAlpha));
        Assert.Equal((1f, 1f, 1f), (config.LayernormLinearAttentionBeta, config.LayernormFullAttentionBeta, config.LayernormMlpBeta));
        Assert.False(config.Postnorm || config.TieWordEmbeddings);
        Assert.Equal((0, DType.BF16), (config.SharedIntermediateSize, config.TorchDtype));
    }

    [Fact]
    public void Rotary_dim_defaults_to_head_dim_not_to_the_width_per_head()
    {
        var json = ModelFacts.SmallJson();
        json.Remove("rotary_dim");
        Assert.Equal((8, 8), (ModelFacts.Parse(json).HeadDim, ModelFacts.Parse(json).RotaryDim));
    }

    [Fact]
    public void The_spelling_of_transformers_gives_the_same_model()
    {
        var official = ModelFacts.Small with
        {
            Postnorm = true,
            LayernormLinearAttentionAlpha = 1.5f,
            LayernormLinearAttentionBeta = 0.5f,
            LayernormFullAttentionAlpha = 2.5f,
            LayernormFullAttentionBeta = 0.25f,
            LayernormMlpAlpha = 3.5f,
            LayernormMlpBeta = 0.75f,
            RopeTheta = 1e7,
        };
        var json = JsonNode.Parse("""
            { "architectures": ["MiniMaxForCausalLM"], "model_type": "minimax", "attention_dropout": 0.0, "block_size": 256, "bos_token_id": null,
              "eos_token_id": null, "pad_token_id": null, "head_dim": 8, "hidden_act": "silu", "hidden_size": 24, "initializer_range": 0.02,
              "intermediate_size": 10, "layer_types": ["linear_attention", "full_attention", "linear_attention"], "linear_attn_alpha_factor": 1.5,
              "linear_attn_beta_factor": 0.5, "full_attn_alpha_factor": 2.5, "full_attn_beta_factor": 0.25, "mlp_alpha_factor": 3.5,
              "mlp_beta_factor": 0.75, "max_position_embeddings": 4096, "num_attention_heads": 4, "num_experts_per_tok": 2, "num_hidden_layers": 3,
              "num_key_value_heads": 2, "num_local_experts": 5, "output_router_logits": false, "rms_norm_eps": 1e-05, "rope_theta": 10000000,
              "rotary_dim": 4, "router_aux_loss_coef": 0.001, "router_jitter_noise": 0.0, "sliding_window": null, "tie_word_embeddings": false,
              "torch_dtype": "bfloat16", "transformers_version": "4.53.0", "use_cache": true, "vocab_size": 50, "_name_or_path": "x",
              "return_dict": true, "problem_type": null, "id2label": {"0": "LABEL_0"}, "temperature": 1.0, "top_p": 1.0 }
            """)!.AsObject();
        ModelFacts.AssertEqual(official, ModelFacts.Parse(json));

        json.Remove("rope_theta");
        json.Remove("rotary_dim");
        json["rope_parameters"] = new JsonObject { ["rope_type"] = "default", ["rope_theta"] = 1e7, ["partial_rotary_factor"] = 0.5 };
        ModelFacts.AssertEqual(official, ModelFacts.Parse(json));
    }

    [Theory]
    [InlineData("minimax_text_01", "MiniMaxText01ForCausalLM")]
    [InlineData("MiniMaxText01", "MiniMaxText01ForCausalLM")]
    [InlineData("minimax_m1", "MiniMaxM1ForCausalLM")]
    public void The_relatives_under_the_official_spelling_load(string modelType, string architecture)
    {
        var json = ModelFacts.SmallJson();
        (json["model_type"], json["architectures"]) = (modelType, new JsonArray(architecture));
        ModelFacts.AssertEqual(ModelFacts.Small, ModelFacts.Parse(json));
    }

    [Theory]
    [InlineData("null", null)]
    [InlineData("7", 7)]
    [InlineData("[7, 9]", 7)]
    public void The_end_token_may_be_null_a_number_or_a_list(string text, int? expected)
    {
        var json = ModelFacts.SmallJson();
        json["eos_token_id"] = JsonNode.Parse(text);
        Assert.Equal(expected, ModelFacts.Parse(json).EosTokenId);
    }

    [Fact]
    public void A_byte_order_mark_does_no_harm()
    {
        byte[] text = [0xEF, 0xBB, 0xBF, .. System.Text.Encoding.UTF8.GetBytes(ModelFacts.Small.ToJson())];
        ModelFacts.AssertEqual(ModelFacts.Small, MiniMaxM1Config.Parse(text, "config.json"));
    }
}
