using System.Text.Json;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tests.Cli;

namespace MiniMaxSharp.Tests;

public sealed class PullCommandTests : IDisposable
{
    private readonly LocalHub hub = new();
    private readonly ScratchFolder scratch = new();

    public void Dispose()
    {
        hub.Dispose();
        scratch.Dispose();
    }

    [Fact]
    public async Task A_pulled_model_opens()
    {
        AddRandomTiny();
        var result = await PullAsync("--json", "--parallel", "2");
        Assert.Equal(0, result.ExitCode);
        using var json = JsonDocument.Parse(result.Output);
        Assert.Equal((LocalHub.Commit, 6), (json.RootElement.GetProperty("commit").GetString(), json.RootElement.GetProperty("files").GetArrayLength()));
        Assert.Equal(json.RootElement.GetProperty("bytes").GetInt64(), json.RootElement.GetProperty("received_bytes").GetInt64());
        Assert.False(File.Exists(Path.Combine(scratch["m"], "README.md")));
        using var model = LoadedModel.Open(scratch["m"], new ModelOptions { Threads = 1, CheckFinite = true });
        Assert.True(Tokenizer.Load(scratch["m"]).VocabularySize > 0);

        var again = await PullAsync();
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("0 B received", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_lists_and_writes_nothing()
    {
        AddRandomTiny();
        var result = await PullAsync("--dry-run", "--include", "*.json", "--exclude", "tok*");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("model.safetensors.index.json    13.80 KB  missing", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("tokenizer", result.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["m"]));
    }

    [Fact]
    public async Task Refusals_are_bad_input()
    {
        var result = await PullAsync("--revision", "v9");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("owner/random-tiny at v9: not found", result.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await PullAsync("--parallel", "0")).ExitCode);
        Assert.Equal(2, (await PullAsync("--hub", "other")).ExitCode);
    }

    [Fact]
    public async Task A_token_is_in_no_output()
    {
        AddRandomTiny();
        hub.Fail(LocalHub.FileTarget("owner/random-tiny", "config.json"), new Fault { Status = 401, Headers = ["X-Error-Message: bad hf_SECRET"] });
        var result = await CommandLineRun.Of("pull", "owner/random-tiny", "--endpoint", hub.Endpoint, "--out", scratch["m"], "--token", "hf_SECRET", "--verbose");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(hub.Requests, request => request.Authorization == "Bearer hf_SECRET");
        Assert.DoesNotContain("hf_SECRET", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_pull_says_that_it_resumes()
    {
        AddRandomTiny();
        hub.Fail(LocalHub.ListTarget("owner/random-tiny"), new Fault { StallAfter = 0 });
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(150));
        var command = PullCommand.Create();
        var parsed = command.Parse(["owner/random-tiny", "--endpoint", hub.Endpoint, "--token", "", "--out", scratch["m"]]);
        var error = await Assert.ThrowsAsync<OperationCanceledException>(() => PullCommand.RunAsync(parsed, new HubOptions(), cancel.Token));
        Assert.Contains("run the same command again to resume", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_shows_bytes_rate_time_left_and_files()
    {
        var clock = new StepClock();
        using var text = new StringWriter();
        var progress = new PullProgress(text, isTerminal: false, clock);
        clock.Seconds = 5;
        progress.Report(new HubProgress(2_000_000_000, 10_000_000_000, 0, 1, 9));
        Assert.Empty(text.ToString());
        clock.Seconds = 10;
        progress.Report(new HubProgress(3_000_000_000, 10_000_000_000, 1_000_000_000, 2, 9));
        clock.Seconds = 50;
        progress.Report(new HubProgress(9_000_000_000, 10_000_000_000, 1_080_000_000, 8, 9));
        Assert.Equal(
            ["3.00 GB of 10.00 GB (30%), 100.00 MB/s, 1 min 10 s left, 2 of 9 files", "9.00 GB of 10.00 GB (90%), 2.00 MB/s, 8 min 20 s left, 8 of 9 files", ""],
            text.ToString().Split(Environment.NewLine));
    }

    private static string RandomTiny => TokenizerFixtures.TinyFolder;

    private void AddRandomTiny() =>
        hub.AddRepository("owner/random-tiny", Directory.GetFiles(RandomTiny).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes));

    private Task<CommandLineRun> PullAsync(params string[] more) =>
        CommandLineRun.Of(["pull", "owner/random-tiny", "--endpoint", hub.Endpoint, "--token", "", "--out", scratch["m"], .. more]);

    private sealed class StepClock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }
}
