using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class ConfigErrorTests
{
    // Field, value that it gets (JSON; "absent" removes it), and what the message must contain beside the field's name.
    [Theory]
    [InlineData("attn_type_list", "[0, 1]", "2 entries but num_hidden_layers is 3")]
    [InlineData("attn_type_list", "[0, 1, 2]", "attn_type_list[2] is 2")]
    [InlineData("attn_type_list", "[0, 1, \"0\"]", "attn_type_list[2] is \"0\"")]
    [InlineData("attn_type_list", "7", "is 7; supported: a list")]
    [InlineData("attn_type_list", "absent", "missing")]
    [InlineData("layer_types", "[\"full_attention\", \"full_attention\", \"linear_attention\"]", "disagree")]
    [InlineData("layer_types", "[\"sliding_attention\", \"full_attention\", \"linear_attention\"]", "layer_types[0] is \"sliding_attention\"")]
    [InlineData("hidden_act", "\"gelu\"", "is \"gelu\"; supported: \"silu\"")]
    [InlineData("sliding_window", "4096", "is 4096; supported: false, null or absent")]
    [InlineData("num_hidden_layers", "1", "is 1; supported: a whole number from 2")]
    [InlineData("num_hidden_layers", "3.5", "is 3.5; supported: a whole number")]
    [InlineData("num_hidden_layers", "\"3\"", "is \"3\"; supported: a whole number")]
    [InlineData("num_hidden_layers", "absent", "missing")]
    [InlineData("num_key_value_heads", "3", "is 3; supported: a divisor of num_attention_heads, which is 4")]
    [InlineData("num_key_value_heads", "0", "is 0")]
    [InlineData("num_attention_heads", "-4", "is -4")]
    [InlineData("num_attention_heads", "null", "missing")]
    [InlineData("rotary_dim", "3", "is 3; supported: an even number up to head_dim, which is 8")]
    [InlineData("rotary_dim", "10", "is 10; supported: an even number up to head_dim, which is 8")]
    [InlineData("rotary_dim", "0", "is 0")]
    [InlineData("partial_rotary_factor", "0.25", "disagree: 4 and 2")]
    [InlineData("num_experts_per_tok", "6", "is 6; supported: at most num_local_experts, which is 5")]
    [InlineData("num_experts_per_tok", "0", "is 0")]
    [InlineData("num_local_experts", "0", "is 0")]
    [InlineData("hidden_size", "0", "is 0")]
    [InlineData("hidden_size", "99999999999", "is 99999999999")]
    [InlineData("intermediate_size", "-1", "is -1")]
    [InlineData("head_dim", "0", "is 0")]
    [InlineData("vocab_size", "0", "is 0")]
    [InlineData("vocab_size", "2000000000", "is 2000000000")]
    [InlineData("shared_intermediate_size", "-5", "is -5")]
    [InlineData("max_position_embeddings", "0", "is 0")]
    [InlineData("attention_bias", "true", "is true; supported: false, null or absent")]
    [InlineData("rope_scaling", "{\"type\": \"yarn\", \"factor\": 4}", "supported: false, null or absent")]
    [InlineData("rope_parameters", "{\"rope_type\": \"yarn\"}", "rope_parameters.rope_type is \"yarn\"; supported: \"default\"")]
    [InlineData("rope_parameters", "{\"rope_theta\": 5}", "disagree: 1000000 and 5")]
    [InlineData("rope_parameters", "{\"factor\": 5}", "rope_parameters.factor is 5, but this field is unknown")]
    [InlineData("quantization_config", "{\"quant_method\": \"fp8\"}", "supported: false, null or absent")]
    [InlineData("rms_norm_eps", "0", "is 0; supported: a positive number")]
    [InlineData("rms_norm_eps", "1e400", "is 1e400; supported: a finite number")]
    [InlineData("rope_theta", "-1", "is -1; supported: a positive number")]
    [InlineData("layernorm_mlp_alpha", "\"3.5\"", "is \"3.5\"; supported: a finite number")]
    [InlineData("layernorm_mlp_alpha", "1e39", "supported: a finite number")]
    [InlineData("mlp_alpha_factor", "2", "layernorm_mlp_alpha and mlp_alpha_factor disagree: 1 and 2")]
    [InlineData("postnorm", "1", "is 1; supported: true or false")]
    [InlineData("tie_word_embeddings", "\"no\"", "supported: true or false")]
    [InlineData("eos_token_id", "\"</s>\"", "supported: null, an id, or a list of ids")]
    [InlineData("eos_token_id", "50", "is 50; supported: null or an id from 0 to 49")]
    [InlineData("torch_dtype", "\"float8_e4m3fn\"", "is \"float8_e4m3fn\"; supported: bfloat16, float16, float32")]
    [InlineData("model_type", "\"llama\"", "is \"llama\", another model family; supported:")]
    [InlineData("architectures", "[\"LlamaForCausalLM\"]", "LlamaForCausalLM")]
    [InlineData("use_qk_norm", "true", "is true, but this field is unknown here and might change the model")]
    public void A_bad_field_is_named_with_its_value_and_what_is_supported(string field, string value, string expected)
    {
        var json = ModelFacts.SmallJson();
        json.Remove(field);
        if (value != "absent")
        {
            json.Add(field, JsonNode.Parse(value));
        }

        var error = Assert.Throws<InvalidInputException>(() => ModelFacts.Parse(json));
        Assert.StartsWith("config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(field, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_names_no_family_is_refused()
    {
        var json = ModelFacts.SmallJson();
        json.Remove("model_type");
        json.Remove("architectures");
        Assert.Contains("neither model_type nor architectures", Assert.Throws<InvalidInputException>(() => ModelFacts.Parse(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Prenorm_under_the_spelling_of_transformers_is_refused()
    {
        var json = ModelFacts.SmallJson();
        (json["model_type"], json["architectures"]) = ("minimax", new JsonArray("MiniMaxForCausalLM"));
        Assert.Contains("postnorm is false", Assert.Throws<InvalidInputException>(() => ModelFacts.Parse(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mode_of_the_shared_mlp_matters_only_where_there_is_one()
    {
        var json = ModelFacts.SmallJson();
        json["shared_moe_mode"] = "softmax";
        Assert.Equal(0, ModelFacts.Parse(json).SharedIntermediateSize);
        json["shared_intermediate_size"] = 12;
        Assert.Contains("shared_moe_mode is \"softmax\"", Assert.Throws<InvalidInputException>(() => ModelFacts.Parse(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_that_fit_one_by_one_but_not_together_are_refused()
    {
        var huge = ModelFacts.Small with
        {
            HiddenSize = 1 << 20,
            IntermediateSize = 1 << 24,
            NumLocalExperts = 1 << 12,
            NumHiddenLayers = 1 << 10,
            AttnTypeList = [.. Enumerable.Repeat(AttentionKind.Lightning, 1 << 10)],
        };
        Assert.Contains("parameters, more than can be addressed", Assert.Throws<InvalidInputException>(() => huge.Validate()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("{", "not valid JSON")]
    [InlineData("{} {}", "not valid JSON")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{\"vocab_size\": 1, \"vocab_size\": 2}", "not valid JSON")]
    public void Text_that_is_no_json_object_is_refused(string text, string expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => MiniMaxM1Config.Parse(Encoding.UTF8.GetBytes(text), "x/config.json"));
        Assert.StartsWith("x/config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_folder_without_one_are_told_apart()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            Assert.Contains("has no config.json", Assert.Throws<InvalidInputException>(() => MiniMaxM1Config.Load(folder.FullName)).Message, StringComparison.Ordinal);
            var absent = Path.Combine(folder.FullName, "absent");
            Assert.Contains("absent does not exist", Assert.Throws<InvalidInputException>(() => MiniMaxM1Config.Load(absent)).Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
