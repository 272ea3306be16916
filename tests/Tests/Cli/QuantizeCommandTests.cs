using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Cli;

public sealed class QuantizeCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-quantize-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("default", "BF16")]
    [InlineData("experts", "BF16")]
    [InlineData("all", "Q8_0")]
    public async Task Rules_say_which_matrices_are_quantised(string rule, string head)
    {
        var source = await Synth();
        var file = await Quantize(source, "q8_0", "--rule", rule);
        using var gguf = GgufFile.Open(file);
        Assert.Equal(head, gguf.Tensor("output.weight").Type.Name);
        Assert.Equal("Q8_0", gguf.Tensor("blk.0.ffn_down_exps.weight").Type.Name);
        Assert.Equal(rule == "experts" ? "BF16" : "Q8_0", gguf.Tensor("blk.0.attn_qkv.weight").Type.Name);
        Assert.Equal(rule == "all" ? "Q8_0" : "BF16", gguf.Tensor("blk.0.attn_output.weight").Type.Name);
        Assert.Equal("F32", gguf.Tensor("blk.0.ffn_gate_inp.weight").Type.Name);
    }

    [Theory]
    [InlineData("default", 0.02)]
    [InlineData("experts", 0.02)]
    [InlineData("all", 0.04)]
    public async Task On_the_wide_golden_model_q8_0_moves_log_probabilities_little(string rule, double limit)
    {
        var source = Fixtures.Shared("golden/model/tiny-wide");
        var file = await Quantize(source, "q8_0", "--rule", rule);
        foreach (var golden in Directory.GetFiles(Path.Combine(source, "golden"), "len*.safetensors"))
        {
            using var expected = SafetensorsFile.Open(golden);
            var ids = expected.ReadI32("input_ids");
            if (ids.Length < 2)
            {
                continue;
            }

            var (tokens, numbers) = (Path.Combine(folder, "ids.json"), Path.Combine(folder, "numbers.safetensors"));
            await File.WriteAllTextAsync(tokens, $"[{string.Join(",", ids)}]", TestContext.Current.CancellationToken);
            var run = await CommandLineRun.Of("logits", file, "--tokens", tokens, "--out", numbers);
            Assert.True(run.ExitCode == 0, run.Error);
            using var actual = SafetensorsFile.Open(numbers);
            var mean = expected.ReadF32("token_logprobs").Zip(actual.ReadF32("token_logprobs"), (e, a) => Math.Abs((double)e - a)).Average();
            Assert.True(mean <= limit, $"{Path.GetFileName(golden)}: mean |Δ logprob| {mean}");
        }
    }

    [Fact]
    public async Task A_sequence_of_a_quantised_model_gets_the_same_bits_alone_and_in_a_batch()
    {
        var file = await Quantize(await Synth(), "q4_0", "--rule", "all");
        AssertSameBitsInABatch(file);
    }

    [Theory]
    [InlineData("q4_k")]
    [InlineData("q6_k")]
    public async Task Models_of_super_blocks_run_and_sequences_get_the_same_bits_in_any_batch(string type)
    {
        var file = await Quantize(await SynthWide(), type, "--rule", "all");
        using (var gguf = GgufFile.Open(file))
        {
            Assert.Equal(type, gguf.Tensor("blk.0.ffn_down_exps.weight").Type.Name, ignoreCase: true);
        }

        AssertSameBitsInABatch(file);
    }

    [Fact]
    public async Task Importance_of_a_text_changes_the_weights_and_its_sums_are_kept_and_read()
    {
        var source = await Synth();
        var (text, sums) = (Path.Combine(folder, "text.txt"), Path.Combine(folder, "sums.gguf"));
        await File.WriteAllTextAsync(text, string.Join(' ', Enumerable.Range(0, 400)), TestContext.Current.CancellationToken);
        string[] options = ["--tokenizer", RandomTiny.Folder, "--force"];
        var plain = Path.Combine(folder, "plain.gguf");
        Assert.Equal(0, (await CommandLineRun.Of(["quantize", source, plain, "--type", "q4_0", .. options])).ExitCode);
        var file = Path.Combine(folder, "weighted.gguf");
        var run = await CommandLineRun.Of(["quantize", source, file, "--type", "q4_0", "--imatrix", text, "--imatrix-out", sums, .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        var again = Path.Combine(folder, "again.gguf");
        Assert.Equal(0, (await CommandLineRun.Of(["quantize", source, again, "--type", "q4_0", "--imatrix", sums, .. options])).ExitCode);
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(again));
        Assert.NotEqual(File.ReadAllBytes(plain)[^100_000..], File.ReadAllBytes(file)[^100_000..]);
        Assert.Equal(2, (await CommandLineRun.Of("quantize", source, Path.Combine(folder, "x.gguf"), "--type", "q4_0", "--imatrix-out", sums)).ExitCode);
        Assert.Equal(2, (await CommandLineRun.Of("quantize", source, Path.Combine(folder, "x.gguf"), "--type", "q4_0", "--imatrix", file)).ExitCode);
    }

    [Fact]
    public async Task Matrices_that_do_not_fit_the_block_stay_and_bad_targets_are_refused()
    {
        var source = await Synth();
        var run = await CommandLineRun.Of("quantize", source, Path.Combine(folder, "k.gguf"), "--type", "q6_k");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("no multiple of 256", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await CommandLineRun.Of("quantize", source, Path.Combine(folder, "x.bin"), "--type", "q8_0")).ExitCode);
        Assert.Equal(2, (await CommandLineRun.Of("quantize", source, Path.Combine(folder, "k.gguf"), "--type", "q8_0")).ExitCode);
        Assert.Equal(2, (await CommandLineRun.Of("quantize", source, Path.Combine(folder, "y.gguf"), "--type", "q5_0")).ExitCode);
    }

    private static void AssertSameBitsInABatch(string file)
    {
        using var loaded = LoadedModel.Open(file, new ModelOptions { Threads = 2 });
        int[][] rows = [[.. Enumerable.Range(0, 270)], [3], [.. Enumerable.Range(50, 13)]];
        var states = rows.Select(_ => loaded.Model.CreateState()).ToArray();
        loaded.Model.Forward([.. rows.Select((ids, i) => new SequenceChunk(states[i], ids))]);
        var together = new[] { 269, 270, 283 }.Select(row => loaded.Model.Logits(row).ToArray()).ToArray();
        for (var i = 0; i < rows.Length; i++)
        {
            using var alone = loaded.Model.CreateState();
            loaded.Model.Forward([new SequenceChunk(alone, rows[i])]);
            Assert.Equal(together[i], loaded.Model.Logits(rows[i].Length - 1).ToArray());
        }

        Array.ForEach(states, state => state.Dispose());
    }

    private async Task<string> SynthWide()
    {
        var config = Path.Combine(folder, "config.json");
        var shape = MiniMaxM1Config.Load(RandomTiny.Folder) with { HiddenSize = 256, HeadDim = 64, RotaryDim = 32, IntermediateSize = 256 };
        await File.WriteAllTextAsync(config, shape.ToJson(), TestContext.Current.CancellationToken);
        var source = Path.Combine(folder, "wide");
        var run = await CommandLineRun.Of("synth", source, "--config", config);
        Assert.True(run.ExitCode == 0, run.Error);
        return source;
    }

    private async Task<string> Synth()
    {
        var source = Path.Combine(folder, "source");
        var run = await CommandLineRun.Of("synth", source, "--preset", "tiny");
        Assert.True(run.ExitCode == 0, run.Error);
        return source;
    }

    private async Task<string> Quantize(string source, string type, params string[] options)
    {
        var file = Path.Combine(folder, $"{type}.gguf");
        var run = await CommandLineRun.Of(["quantize", source, file, "--type", type, "--tokenizer", "none", .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        return file;
    }
}
