using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Models;

public class LoadedModelTests
{
    [Fact]
    public void A_context_that_memory_cannot_hold_is_refused_with_the_number_of_bytes()
    {
        using var loaded = LoadedModel.Open(Fixtures.Golden("model/tiny-f32"), new ModelOptions { MemoryLimit = 20_000_000 });
        loaded.CheckMemory(1000);
        var error = Assert.Throws<InvalidInputException>(() => loaded.CheckMemory(1_000_000));
        var needed = MiniMaxM1.RunBytes(loaded.Config, 1_000_000, 512, KeyValueType.F16);
        Assert.Contains($"{needed:N0} bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains("20,000,000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_whose_states_exceed_the_limit_is_not_opened() =>
        Assert.Throws<InvalidInputException>(() => LoadedModel.Open(Fixtures.Golden("model/tiny-f32"), new ModelOptions { MemoryLimit = 1000 }));

    [Fact]
    public void State_bytes_of_the_real_model_are_294_megabytes_and_4_gigabytes_of_keys_and_values_at_50_000_tokens_in_f32()
    {
        var shape = MiniMaxM1Config.Load(Fixtures.Golden("model/tiny-f32")) with
        {
            HiddenSize = 6144,
            NumAttentionHeads = 64,
            HeadDim = 128,
            NumKeyValueHeads = 8,
            NumHiddenLayers = 80,
            AttnTypeList = [.. Enumerable.Range(0, 80).Select(l => l % 8 == 7 ? AttentionKind.Softmax : AttentionKind.Lightning)],
        };
        var growth = MiniMaxM1.RunBytes(shape, 51_200, 512) - MiniMaxM1.RunBytes(shape, 0, 512);
        Assert.Equal(51_200L * 10 * 2 * 8 * 128 * 4, growth);
        var small = shape with { AttnTypeList = [.. Enumerable.Repeat(AttentionKind.Softmax, 80)] };
        Assert.Equal(70L * 64 * 128 * 128 * 4, MiniMaxM1.RunBytes(shape, 0, 512) - MiniMaxM1.RunBytes(small, 0, 512));
    }
}
