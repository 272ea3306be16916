using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Cli;

public sealed class LogitsCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-logits-").FullName;

    private static string Model => Fixtures.Golden("model/tiny-shared");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task It_writes_the_golden_numbers_of_all_positions()
    {
        using var golden = SafetensorsFile.Open(Path.Combine(Model, "golden", "len7.safetensors"));
        var ids = golden.ReadI32("input_ids");
        using var written = await Run($"[{string.Join(",", ids)}]", "--all", "--greedy", "32");
        foreach (var name in new[] { "logits", "hidden_states", "router_weights", "token_logprobs" })
        {
            Assert.Equal(golden.Entry(name).Shape, written.Entry(name).Shape);
            var worst = golden.ReadF32(name).Zip(written.ReadF32(name), (e, a) => Math.Abs((double)e - a)).Max();
            Assert.True(worst <= 1e-4, $"{name}: {worst}");
        }

        Assert.Equal(golden.ReadI32("router_indices"), written.ReadI32("router_indices"));
        Assert.Equal(golden.ReadI32("greedy_ids"), written.ReadI32("greedy_ids"));
    }

    [Fact]
    public async Task Without_all_it_writes_the_last_position_in_chunks_or_not()
    {
        var ids = $"[{string.Join(",", Enumerable.Range(0, 300).Select(i => i % 256))}]";
        using var all = await Run(ids, "--all", "--greedy", "4");
        using var last = await Run(ids, "--chunk", "256", "--greedy", "4");
        var logits = last.ReadF32("logits");
        Assert.Equal([1L, 256], last.Entry("logits").Shape);
        Assert.Equal([9L, 1, 48], last.Entry("hidden_states").Shape);
        Assert.Equal([299L], last.Entry("token_logprobs").Shape);
        Assert.Equal(all.ReadF32("logits")[^logits.Length..], logits);
        Assert.Equal(all.ReadF32("hidden_states")[^48..], last.ReadF32("hidden_states")[^48..]);
        Assert.Equal(all.ReadI32("greedy_ids"), last.ReadI32("greedy_ids"));
    }

    [Theory]
    [InlineData("[]", "no token ids")]
    [InlineData("{}", "not a JSON array")]
    [InlineData("[1.5]", "not a JSON array")]
    [InlineData("[1,", "not a JSON array")]
    [InlineData("[99999]", "99999 at position 0")]
    [InlineData("[3, -1]", "-1 at position 1")]
    public async Task Bad_token_files_are_refused_and_nothing_is_written(string json, string message)
    {
        var (tokens, output) = (Path.Combine(folder, "ids.json"), Path.Combine(folder, "out.safetensors"));
        await File.WriteAllTextAsync(tokens, json, TestContext.Current.CancellationToken);
        var run = await CommandLineRun.Of("logits", Model, "--tokens", tokens, "--out", output);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Equal([tokens], Directory.GetFiles(folder));
    }

    [Fact]
    public async Task Missing_files_and_unwritable_outputs_exit_with_2()
    {
        var tokens = Path.Combine(folder, "ids.json");
        Assert.Equal(2, (await CommandLineRun.Of("logits", Model, "--tokens", tokens, "--out", "x")).ExitCode);
        await File.WriteAllTextAsync(tokens, "[1]", TestContext.Current.CancellationToken);
        var unwritable = await CommandLineRun.Of("logits", Model, "--tokens", tokens, "--out", Path.Combine(folder, "no", "such", "folder.safetensors"));
        Assert.Equal(2, unwritable.ExitCode);
        Assert.Contains("cannot be written", unwritable.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await CommandLineRun.Of("logits", Path.Combine(folder, "nowhere"), "--tokens", tokens, "--out", "x")).ExitCode);
    }

    [Fact]
    public async Task Weights_that_are_not_finite_are_refused_when_asked()
    {
        var copy = Directory.CreateDirectory(Path.Combine(folder, "model")).FullName;
        foreach (var file in Directory.GetFiles(Model))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        var shard = Directory.GetFiles(copy, "*.safetensors").Order().First();
        var bytes = await File.ReadAllBytesAsync(shard, TestContext.Current.CancellationToken);
        BitConverter.GetBytes(float.NaN).CopyTo(bytes, bytes.Length - 4);
        await File.WriteAllBytesAsync(shard, bytes, TestContext.Current.CancellationToken);
        var tokens = Path.Combine(folder, "ids.json");
        await File.WriteAllTextAsync(tokens, "[1]", TestContext.Current.CancellationToken);
        string[] args = ["logits", copy, "--tokens", tokens, "--out", Path.Combine(folder, "out")];
        Assert.Equal(0, (await CommandLineRun.Of(args)).ExitCode);
        var run = await CommandLineRun.Of([.. args, "--check-finite"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("NaN", run.Error, StringComparison.Ordinal);
    }

    private async Task<SafetensorsFile> Run(string ids, params string[] options)
    {
        var (tokens, output) = (Path.Combine(folder, "ids.json"), Path.Combine(folder, Path.GetRandomFileName()));
        await File.WriteAllTextAsync(tokens, ids, TestContext.Current.CancellationToken);
        var run = await CommandLineRun.Of(["logits", Model, "--tokens", tokens, "--out", output, .. options]);
        Assert.True(run.ExitCode == 0, run.Error);
        return SafetensorsFile.Open(output);
    }
}
