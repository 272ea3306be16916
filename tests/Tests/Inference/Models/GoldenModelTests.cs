using MiniMaxSharp.Inference;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Tests.Inference.Models;

/// <summary>
/// Our numbers against the official code's (specification section 11). Two variants are committed; the others are read from the shared folder.
/// </summary>
public class GoldenModelTests
{
    private static readonly string[] Committed = ["tiny-f32", "tiny-shared"];
    private static readonly string[] SharedOnly = ["tiny-bf16-sharded", "tiny-grad", "tiny-prenorm", "tiny-tied", "tiny-wide"];

    public static IEnumerable<TheoryDataRow<string>> Variants => Committed.Concat(SharedOnly).Select(name => new TheoryDataRow<string>(name));

    [Theory]
    [MemberData(nameof(Variants))]
    public void Hidden_states_logits_routes_and_logprobs_are_the_official_ones(string variant)
    {
        using var model = TestModel.Open(Folder(variant));
        foreach (var file in Cases(variant))
        {
            using var golden = SafetensorsFile.Open(file);
            var ids = golden.ReadI32("input_ids");
            var positions = golden.ReadI32("positions");
            var run = model.Run(ids, chunk: 512);
            var (config, n) = (model.Config, ids.Length);
            var what = $"{variant}/{Path.GetFileName(file)}";
            AssertRows(golden.ReadF32("logits"), run.Logits, positions, 1, n, config.VocabSize, 1e-4, what + " logits");
            AssertRows(golden.ReadF32("hidden_states"), run.Trace.HiddenStates, positions, config.NumHiddenLayers + 1, n, config.HiddenSize, 1e-4, what + " hidden_states");
            AssertRows(golden.ReadF32("final_norm"), run.Trace.FinalNorm, positions, 1, n, config.HiddenSize, 1e-4, what + " final_norm");
            AssertRows(golden.ReadF32("router_logits"), run.Trace.RouterLogits, positions, config.NumHiddenLayers, n, config.NumLocalExperts, 1e-4, what + " router_logits");
            AssertRows(golden.ReadF32("router_weights"), run.Trace.RouterWeights, positions, config.NumHiddenLayers, n, config.NumExpertsPerTok, 1e-5, what + " router_weights");
            Assert.Equal(golden.ReadI32("router_indices"), Rows(run.Trace.RouterIndices, positions, config.NumHiddenLayers, n, config.NumExpertsPerTok));
            AssertClose(golden.ReadF32("token_logprobs"), TokenLogprobs(run.Logits, ids, config.VocabSize), 5e-5, what + " token_logprobs");
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Greedy_decoding_through_the_caches_gives_the_official_tokens(string variant)
    {
        using var model = TestModel.Open(Folder(variant));
        foreach (var file in Cases(variant))
        {
            using var golden = SafetensorsFile.Open(file);
            var expected = golden.ReadI32("greedy_ids");
            var (ids, logits) = model.Greedy(golden.ReadI32("input_ids"), expected.Length);
            Assert.Equal(expected, ids);
            AssertClose(golden.ReadF32("greedy_step_logits"), logits, 1e-4, $"{variant}/{Path.GetFileName(file)} greedy_step_logits");
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void States_after_prefill_are_the_official_ones(string variant)
    {
        var compared = 0;
        using var model = TestModel.Open(Folder(variant));
        foreach (var file in Cases(variant))
        {
            using var golden = SafetensorsFile.Open(file);
            if (!golden.Entries.Keys.Any(name => name.StartsWith("linear_state.", StringComparison.Ordinal)))
            {
                continue;
            }

            using var state = model.Prefill(golden.ReadI32("input_ids"), chunk: 512);
            for (var layer = 0; layer < model.Config.NumHiddenLayers; layer++, compared++)
            {
                if (state.Layers[layer] is LightningState lightning)
                {
                    AssertCloseToMaximum(golden.ReadF32($"linear_state.{layer}"), lightning.ToArray(), $"{variant} linear_state.{layer}");
                }
                else
                {
                    var (keys, values) = Cache(((KeyValueState)state.Layers[layer]).Pages);
                    AssertCloseToMaximum(golden.ReadF32($"k_cache.{layer}"), keys, $"{variant} k_cache.{layer}");
                    AssertCloseToMaximum(golden.ReadF32($"v_cache.{layer}"), values, $"{variant} v_cache.{layer}");
                }
            }
        }

        Assert.True(compared > 0, $"{variant} has no case with states");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Rows_of_a_left_padded_batch_equal_the_unpadded_rows(string variant)
    {
        using var model = TestModel.Open(Folder(variant));
        using var golden = SafetensorsFile.Open(Path.Combine(Folder(variant), "golden", "leftpad.safetensors"));
        var width = (int)golden.Entry("input_ids").Shape[1];
        var (padded, mask) = (golden.ReadI32("input_ids"), golden.ReadI32("attention_mask"));
        var rows = Enumerable.Range(0, 2)
            .Select(row => Enumerable.Range(row * width, width).Where(i => mask[i] == 1).Select(i => padded[i]).ToArray()).ToArray();
        var logits = model.Batch(rows);
        for (var row = 0; row < rows.Length; row++)
        {
            AssertClose(golden.ReadF32($"logits_row{row}_unpadded"), logits[row], 1e-4, $"{variant} row {row}");
        }
    }

    [Theory]
    [InlineData("tiny-f32")]
    [InlineData("tiny-shared")]
    public void A_sequence_gets_the_same_bits_alone_in_a_batch_and_in_chunks_cut_on_the_grid(string variant)
    {
        using var model = TestModel.Open(Folder(variant));
        var random = new Random(3);
        int[][] rows = [.. new[] { 300, 1, 17, 260 }.Select(n => Enumerable.Range(0, n).Select(_ => random.Next(model.Config.VocabSize)).ToArray())];
        var together = model.Batch(rows);
        for (var row = 0; row < rows.Length; row++)
        {
            Assert.True(model.Run(rows[row], chunk: 1024).Logits.AsSpan().SequenceEqual(together[row]), $"row {row} in a batch");
            Assert.True(model.Run(rows[row], chunk: 256).Logits.AsSpan().SequenceEqual(together[row]), $"row {row} in chunks");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(255)]
    public void Prefill_in_chunks_of_any_size_equals_one_pass(int chunk)
    {
        using var model = TestModel.Open(Folder("tiny-f32"));
        var ids = Enumerable.Range(0, 530).Select(i => (i * 37) % model.Config.VocabSize).ToArray();
        AssertClose(model.Run(ids, chunk: 1024).Logits, model.Run(ids, chunk).Logits, 5e-5, $"chunk {chunk}");
    }

    [Fact]
    public void A_fork_of_a_sequence_goes_on_with_the_same_bits_and_leaves_the_original_alone()
    {
        using var model = TestModel.Open(Folder("tiny-f32"));
        using var original = model.Prefill([.. Enumerable.Range(0, 300)], chunk: 512);
        using var fork = original.Clone();
        Assert.Equal(300, fork.Position);
        var forked = model.Continue(fork, [7, 8, 9]);
        Assert.Equal(model.Continue(original, [7, 8, 9]), forked);
        Assert.NotEqual(model.Continue(original, [1]), model.Continue(fork, [2]));
    }

    [Fact]
    public void A_token_outside_the_vocabulary_is_refused_with_its_position()
    {
        using var model = TestModel.Open(Folder("tiny-f32"));
        var error = Assert.Throws<InvalidInputException>(() => model.Run([1, 2, 512], chunk: 8));
        Assert.Contains("512 at position 2", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => model.Run([-1], chunk: 8));
    }

    [Fact]
    public void Decoding_allocates_nothing_but_pages()
    {
        using var model = TestModel.Open(Folder("tiny-f32"));
        Assert.True(model.AllocatedPerDecodeStep() < 64, $"{model.AllocatedPerDecodeStep()} bytes a step");
    }

    private static string Folder(string variant) =>
        Committed.Contains(variant) ? Fixtures.Golden("model/" + variant) : Fixtures.Shared("golden/model/" + variant);

    private static IEnumerable<string> Cases(string variant) => Directory.GetFiles(Path.Combine(Folder(variant), "golden"), "len*.safetensors").Order();

    private static (float[] Keys, float[] Values) Cache(KeyValuePages pages)
    {
        float[] keys = new float[pages.Length * pages.Heads * pages.HeadDim], values = new float[keys.Length];
        for (var i = 0; i < pages.Length * pages.Heads; i++)
        {
            pages.Read(i / pages.Heads, i % pages.Heads, keys.AsSpan(i * pages.HeadDim, pages.HeadDim), values.AsSpan(i * pages.HeadDim, pages.HeadDim));
        }

        return (keys, values);
    }

    private static float[] TokenLogprobs(float[] logits, int[] ids, int vocabulary) =>
        [.. ids.Skip(1).Select((next, t) => (float)LogSoftmax.At(logits.AsSpan(t * vocabulary, vocabulary), next))];

    private static T[] Rows<T>(T[] all, int[] positions, int planes, int n, int width) =>
        [.. Enumerable.Range(0, planes).SelectMany(plane => positions.SelectMany(p => all.Skip(((plane * n) + p) * width).Take(width)))];

    private static void AssertRows(float[] expected, float[] all, int[] positions, int planes, int n, int width, double tolerance, string what) =>
        AssertClose(expected, Rows(all, positions, planes, n, width), tolerance, what);

    private static void AssertCloseToMaximum(float[] expected, float[] actual, string what) =>
        AssertClose(expected, actual, 1e-5 * Math.Max(1, expected.Max(MathF.Abs)), what);

    private static void AssertClose(float[] expected, float[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        var worst = expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).DefaultIfEmpty(0).Max();
        Assert.True(worst <= tolerance, $"{what}: largest difference {worst:E2} > {tolerance:E0}");
    }
}
