using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Cli;

public sealed class ConvertTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_model_goes_to_GGUF_to_hf_and_back_with_its_tokenizer()
    {
        var source = TokenizerFixtures.TinyFolder;
        var run = await CommandLineRun.Of("convert", source, folder["x.gguf"], "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using var result = JsonDocument.Parse(run.Output);
        Assert.Equal("gguf", result.RootElement.GetProperty("format").GetString());
        Assert.Equal(83, result.RootElement.GetProperty("tensors").GetInt32());
        Assert.Equal(0, (await CommandLineRun.Of("convert", folder["x.gguf"], folder["hf"], "--to", "hf", "--shard-size", "1MB")).ExitCode);
        Assert.Equal(0, (await CommandLineRun.Of("convert", folder["hf"], folder["back"])).ExitCode);
        Assert.Equal(
            ["config.json", "model-00000-of-00001.safetensors", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json"],
            Directory.GetFiles(folder["back"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var original = StoredCheckpoint.Read(source).ToDictionary(tensor => tensor.Name);
        var back = StoredCheckpoint.Read(folder["back"]);
        Assert.Equal(original.Count, back.Count);
        Assert.All(back, tensor => Assert.Equal(original[tensor.Name].Data, tensor.Data));
        Assert.Equal(Tokenizer.Load(source).Encode("A river."), Tokenizer.Load(folder["back"]).Encode("A river."));
    }

    [Fact]
    public async Task A_model_without_tokenizer_gets_a_note_and_can_borrow_one()
    {
        var source = Fixtures.Golden("model/tiny-f32");
        var run = await CommandLineRun.Of("convert", source, folder["x.gguf"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("no tokenizer", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await CommandLineRun.Of("convert", source, folder["y.gguf"], "--tokenizer", TokenizerFixtures.TinyFolder)).ExitCode);
        Assert.Equal(512, Tokenizer.Load(folder["y.gguf"]).VocabularySize);
        Assert.Equal(0, (await CommandLineRun.Of("convert", folder["x.gguf"], folder["z.gguf"], "--tokenizer", folder["y.gguf"])).ExitCode);
        Assert.Equal(512, Tokenizer.Load(folder["z.gguf"]).VocabularySize);
    }

    [Fact]
    public async Task Bad_requests_are_refused_and_change_nothing()
    {
        var source = Fixtures.Golden("model/tiny-f32");
        Assert.Equal(0, (await CommandLineRun.Of("convert", source, folder["x.gguf"])).ExitCode);
        var before = await File.ReadAllBytesAsync(folder["x.gguf"], TestContext.Current.CancellationToken);
        await AssertBadAsync("exists", source, folder["x.gguf"]);
        await AssertBadAsync("both", folder["x.gguf"], folder["x.gguf"], "--force");
        await AssertBadAsync("does not exist", folder["none.gguf"], folder["y.gguf"]);
        await AssertBadAsync("is no folder", source, Path.Combine(folder["deep"], "x.gguf"));
        await AssertBadAsync("no size", source, folder["y"], "--shard-size", "big");
        await AssertBadAsync("cannot express", Fixtures.Golden("model/tiny-shared"), folder["y.gguf"]);
        await AssertBadAsync("cannot express", Fixtures.Golden("model/tiny-shared"), folder["y"], "--to", "hf");
        Assert.Equal([folder["x.gguf"]], Directory.GetFileSystemEntries(folder.Path));
        Assert.Equal(before, await File.ReadAllBytesAsync(folder["x.gguf"], TestContext.Current.CancellationToken));
        Assert.Equal(0, (await CommandLineRun.Of("convert", source, folder["x.gguf"], "--force", "--dtype", "bf16")).ExitCode);
        Assert.True(new FileInfo(folder["x.gguf"]).Length < before.Length * 0.6);
    }

    [Fact]
    public async Task Inspect_reads_a_GGUF_file()
    {
        Assert.Equal(0, (await CommandLineRun.Of("convert", Fixtures.Golden("model/tiny-f32"), folder["x.gguf"])).ExitCode);
        var run = await CommandLineRun.Of("inspect", folder["x.gguf"], "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
    }

    private static async Task AssertBadAsync(string expected, params string[] args)
    {
        var run = await CommandLineRun.Of(["convert", .. args]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }
}
