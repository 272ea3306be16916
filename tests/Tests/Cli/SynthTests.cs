using System.Text.Json;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class SynthTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_checkpoint_loads()
    {
        var (code, output, error) = await RunAsync(
            "synth", folder["x"], "--preset", "tiny", "--seed", "4", "--experts", "6", "--shard-size", "500KB", "--json");
        Assert.Equal((0, ""), (code, error));
        using var result = JsonDocument.Parse(output);
        Assert.Equal(folder["x"], result.RootElement.GetProperty("folder").GetString());
        var config = MiniMaxM1Config.Load(Path.Combine(folder["x"], "config.json"));
        Assert.Equal((6, 8), (config.NumLocalExperts, config.NumHiddenLayers));
        using var weights = MiniMaxM1Weights.Load(folder["x"], config, checkFinite: true);
        Assert.Equal(6, weights.Layers[7].W1.Length);
        Assert.True(Directory.GetFiles(folder["x"], "model-*").Length > 3);
        Assert.Empty(Directory.GetFiles(folder["x"], "*.tmp"));
    }

    [Fact]
    public async Task A_config_gives_the_same_as_its_preset()
    {
        Assert.Equal(0, (await RunAsync("synth", folder["x"], "--preset", "tiny")).Code);
        Assert.Equal(0, (await RunAsync("synth", folder["y"], "--config", Path.Combine(folder["x"], "config.json"))).Code);
        Assert.All(
            Directory.GetFiles(folder["x"]),
            path => Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Path.Combine(folder["y"], Path.GetFileName(path)))));
    }

    [Fact]
    public async Task A_folder_with_files_needs_force_which_leaves_no_old_shards()
    {
        Assert.Equal(0, (await RunAsync("synth", folder["x"], "--preset", "tiny", "--shard-size", "300KB")).Code);
        await File.WriteAllTextAsync(Path.Combine(folder["x"], "notes.txt"), "mine", TestContext.Current.CancellationToken);
        await AssertBadAsync("not empty", "synth", folder["x"], "--preset", "tiny");
        Assert.Equal(0, (await RunAsync("synth", folder["x"], "--preset", "tiny", "--force")).Code);
        Assert.Equal(
            ["config.json", "model-00000-of-00001.safetensors", "model.safetensors.index.json", "notes.txt"],
            Directory.GetFiles(folder["x"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Bad_usage_says_how_to_mend_it()
    {
        await AssertBadAsync("either --preset (bench-2b, m1-pair, tiny) or --config", "synth", folder["x"]);
        await AssertBadAsync("either --preset", "synth", folder["x"], "--preset", "tiny", "--config", "config.json");
        await AssertBadAsync("--preset huge is unknown", "synth", folder["x"], "--preset", "huge");
        await AssertBadAsync("--shard-size 5XB", "synth", folder["x"], "--preset", "tiny", "--shard-size", "5XB");
        await AssertBadAsync("--experts 1: num_experts_per_tok", "synth", folder["x"], "--preset", "tiny", "--experts", "1");
        await AssertBadAsync("--experts 99999: num_local_experts is 99999", "synth", folder["x"], "--preset", "tiny", "--experts", "99999");
        await AssertBadAsync("fp8", "synth", folder["x"], "--preset", "tiny", "--dtype", "fp8");
        await AssertBadAsync("nowhere.json", "synth", folder["x"], "--config", folder["nowhere.json"]);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public async Task Too_little_space_names_both_numbers()
    {
        var config = SyntheticPresets.All["m1-pair"] with { HiddenSize = 65_536, IntermediateSize = 1 << 22 };
        await File.WriteAllTextAsync(folder["config.json"], config.ToJson(), TestContext.Current.CancellationToken);
        await AssertBadAsync("needs 26.40 TB, but only", "synth", folder["x"], "--config", folder["config.json"]);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_bad_input()
    {
        await File.WriteAllTextAsync(folder["file"], "", TestContext.Current.CancellationToken);
        await AssertBadAsync("is a file", "synth", folder["file"], "--preset", "tiny");
        await AssertBadAsync("cannot be written", "synth", Path.Combine(folder["file"], "x"), "--preset", "tiny");
    }

    [Theory]
    [InlineData("5GB", 5_000_000_000)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1.5 kb", 1500)]
    [InlineData("77", 77)]
    [InlineData("0", 0)]
    [InlineData("-5GB", 0)]
    [InlineData("1e3", 0)]
    [InlineData("99999999TB", 0)]
    [InlineData("GB", 0)]
    public void Sizes_are_read(string text, long bytes)
    {
        Assert.Equal(bytes > 0, ByteSize.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Fact]
    public void Progress_is_plain_lines_away_from_a_terminal_and_one_line_on_it()
    {
        var clock = new Clock();
        using var plain = new StringWriter();
        var progress = new ByteProgress(plain, totalBytes: 4_000_000_000, isTerminal: false, clock);
        clock.Advance(seconds: 5);
        progress.Report(1_000_000_000);
        Assert.Empty(plain.ToString());
        clock.Advance(seconds: 5);
        progress.Report(1_000_000_000);
        progress.Finish();
        Assert.Equal("1.00 GB of 4.00 GB (25%), 100.00 MB/s, 30 s left" + Environment.NewLine, plain.ToString());

        using var terminal = new StringWriter();
        progress = new ByteProgress(terminal, totalBytes: 100, isTerminal: true, clock);
        clock.Advance(seconds: 2);
        progress.Report(50);
        progress.Finish();
        Assert.StartsWith("\r50 B of 100 B (50%), 25 B/s, 2 s left ", terminal.ToString(), StringComparison.Ordinal);
        Assert.EndsWith(" \r", terminal.ToString(), StringComparison.Ordinal);
    }

    private static async Task AssertBadAsync(string expected, params string[] args)
    {
        var (code, _, error) = await RunAsync(args);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private sealed class Clock : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => now;

        public void Advance(long seconds) => now += seconds;
    }
}
