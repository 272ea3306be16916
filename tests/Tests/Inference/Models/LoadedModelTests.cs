using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;
using MiniMaxSharp.Tests.Cli;

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

    [Theory]
    [InlineData(KeyValueType.F16, 1e-3)]
    [InlineData(KeyValueType.BF16, 1e-2)]
    [InlineData(KeyValueType.Q8, 1e-2)]
    public void The_type_of_keys_and_values_changes_logits_by_its_rounding(KeyValueType type, double tolerance)
    {
        var (exact, stored) = (Logits(KeyValueType.F32), Logits(type));
        var error = Math.Sqrt(exact.Zip(stored, (a, b) => Math.Pow(a - b, 2)).Sum() / exact.Sum(a => a * a));
        Assert.InRange(error, 1e-8, tolerance);

        static float[] Logits(KeyValueType type)
        {
            using var loaded = LoadedModel.Open(Fixtures.Golden("model/tiny-f32"), new ModelOptions { KeyValueType = type, Threads = 1 });
            using var state = loaded.Model.CreateState();
            loaded.Model.Forward([new SequenceChunk(state, Enumerable.Range(0, 300).ToArray())]);
            return loaded.Model.Logits(299).ToArray();
        }
    }

    [Fact]
    public async Task Rounded_inputs_of_bf16_products_change_logits_by_their_rounding_but_not_the_head()
    {
        Assert.SkipUnless(EmittedCode.HasDotBFloat16 && Isa.Path == IsaPath.V512, "This CPU does not multiply bf16, or emitted code is off.");
        using var folder = new ScratchFolder();
        Assert.Equal(0, (await CommandLineRun.Of("convert", RandomTiny.Folder, folder["bf16"], "--dtype", "bf16")).ExitCode);
        var (exact, rounded) = (Run(folder["bf16"], BFloat16Inputs.Exact), Run(folder["bf16"], BFloat16Inputs.Rounded));
        var error = Math.Sqrt(exact.Logits.Zip(rounded.Logits, static (a, b) => Math.Pow(a - b, 2)).Sum() / exact.Logits.Sum(static a => a * a));
        Assert.InRange(error, 1e-5, 1e-2);
        Assert.True(exact.Layers.All(static rounds => !rounds) && rounded.Layers.All(static rounds => rounds));
        Assert.False(rounded.Head);

        static (float[] Logits, bool[] Layers, bool Head) Run(string model, BFloat16Inputs inputs)
        {
            using var loaded = LoadedModel.Open(model, new ModelOptions { BFloat16Inputs = inputs, KeyValueType = KeyValueType.F32, Threads = 1 });
            using var state = loaded.Model.CreateState();
            loaded.Model.Forward([new SequenceChunk(state, Enumerable.Range(0, 300).ToArray())]);
            var weights = loaded.Weights;
            return (loaded.Model.Logits(299).ToArray(), [.. weights.Layers.SelectMany(static layer => layer.W1).Select(static matrix => matrix.RoundsInputs)],
                weights.LmHead.RoundsInputs || weights.Layers.Any(static layer => layer.Router.RoundsInputs));
        }
    }

    [Fact]
    public void The_plan_adds_up_and_follows_the_type_of_keys_and_values()
    {
        using var loaded = LoadedModel.Open(Fixtures.Golden("model/tiny-f32"), new ModelOptions { Threads = 1 });
        var plan = loaded.Plan(10_000);
        Assert.Equal(KeyValueType.F16, plan.KeyValueType);
        Assert.Equal(MiniMaxM1.RunBytes(loaded.Config, 10_000, 512, KeyValueType.F16), plan.RunBytes);
        Assert.Equal(2 * plan.KeyValues, loaded.Plan(10_000, KeyValueType.F32).KeyValues);
        Assert.Equal(0, plan.PackedWeights);
        Assert.Equal(plan.Total, plan.MappedWeights + plan.RunBytes);
        using var state = loaded.Model.CreateState();
        state.FillSynthetic(10_000);
        Assert.Equal(10_000, state.Position);
        Assert.Equal(plan.LightningStates + plan.KeyValues, state.ByteCount);
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
