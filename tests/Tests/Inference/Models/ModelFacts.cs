using System.Collections.Immutable;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

/// <summary>Configurations that the model tests share.</summary>
internal static class ModelFacts
{
    public static readonly string[] TinyModels =
        ["tiny-f32", "tiny-bf16-sharded", "tiny-prenorm", "tiny-shared", "tiny-tied", "tiny-wide", "tiny-grad"];

    /// <summary>The configuration of MiniMax-M1, from the published sizes.</summary>
    public static MiniMaxM1Config MiniMaxM1 { get; } = new()
    {
        HiddenSize = 6144,
        IntermediateSize = 9216,
        NumHiddenLayers = 80,
        NumAttentionHeads = 64,
        NumKeyValueHeads = 8,
        HeadDim = 128,
        RotaryDim = 64,
        NumLocalExperts = 32,
        NumExpertsPerTok = 2,
        VocabSize = 200_064,
        AttnTypeList = [.. Enumerable.Range(0, 80).Select(l => l % 8 == 7 ? AttentionKind.Softmax : AttentionKind.Lightning)],
        Postnorm = true,
        LayernormLinearAttentionAlpha = 3.5565588f,
        LayernormFullAttentionAlpha = 3.5565588f,
        LayernormMlpAlpha = 3.5565588f,
        RopeTheta = 1e7,
        MaxPositionEmbeddings = 10_240_000,
    };

    /// <summary>A small valid model: two lightning layers, one softmax layer.</summary>
    public static MiniMaxM1Config Small { get; } = new()
    {
        HiddenSize = 24,
        IntermediateSize = 10,
        NumHiddenLayers = 3,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = 8,
        RotaryDim = 4,
        NumLocalExperts = 5,
        NumExpertsPerTok = 2,
        VocabSize = 50,
        AttnTypeList = [AttentionKind.Lightning, AttentionKind.Softmax, AttentionKind.Lightning],
        MaxPositionEmbeddings = 4096,
    };

    /// <summary>The JSON of <see cref="Small"/>, for tests that change it.</summary>
    public static JsonObject SmallJson() => JsonNode.Parse(Small.ToJson())!.AsObject();

    /// <summary>Parses changed JSON.</summary>
    public static MiniMaxM1Config Parse(JsonNode json) => MiniMaxM1Config.Parse(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), "config.json");

    /// <summary>Fails unless both configurations are equal in every field; the list of layer kinds counts by its entries.</summary>
    public static void AssertEqual(MiniMaxM1Config expected, MiniMaxM1Config actual)
    {
        Assert.Equal(expected.AttnTypeList.AsEnumerable(), actual.AttnTypeList.AsEnumerable());
        var kinds = ImmutableArray<AttentionKind>.Empty;
        Assert.Equal(expected with { AttnTypeList = kinds }, actual with { AttnTypeList = kinds });
    }
}
