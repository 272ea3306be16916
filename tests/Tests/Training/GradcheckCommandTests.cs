using System.Text.Json;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Training;

public sealed class GradcheckCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-gradcheck-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Gradients_of_the_official_code_are_met(string threads)
    {
        var model = Fixtures.Shared("golden/model/tiny-grad");
        var golden = Path.Combine(model, "golden", "grads.safetensors");
        var mine = Path.Combine(folder, "mine.safetensors");
        using var output = new StringWriter();
        Assert.Equal(0, await CommandLine.InvokeAsync(
            ["train", "gradcheck", model, "--golden", golden, "--out", mine, "--json", "--threads", threads], output));
        using var report = JsonDocument.Parse(output.ToString());
        Assert.True(report.RootElement.GetProperty("largest_error").GetDouble() < 1e-5, output.ToString());
        using SafetensorsFile expected = SafetensorsFile.Open(golden), written = SafetensorsFile.Open(mine);
        var names = expected.Entries.Keys.Where(name => name.StartsWith("grad.", StringComparison.Ordinal) || name.StartsWith("loss.", StringComparison.Ordinal));
        Assert.Equal(names.Order(), written.Entries.Keys.Order());
        Assert.All(names, name => Assert.Equal(expected.Entry(name).Shape, written.Entry(name).Shape));
    }

    [Fact]
    public async Task A_file_without_sequences_is_bad_input()
    {
        using var error = new StringWriter();
        var other = Fixtures.Golden("model/tiny-f32/golden/len7.safetensors");
        Assert.Equal(CommandLine.BadInput, await CommandLine.InvokeAsync(
            ["train", "gradcheck", Fixtures.Golden("model/tiny-f32"), "--golden", other, "--out", Path.Combine(folder, "o.safetensors")], TextWriter.Null, error));
        Assert.Contains("seq.0", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public async Task Bench_prints_its_speed()
    {
        using var output = new StringWriter();
        Assert.Equal(0, await CommandLine.InvokeAsync(["train", "bench", "--shape", "s", "--batch", "1", "--length", "8", "--steps", "1", "-t", "1"], output));
        Assert.Contains("tokens/s", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(CommandLine.BadInput, await CommandLine.InvokeAsync(["train", "bench", "--shape", "xl"], TextWriter.Null, TextWriter.Null));
    }
}
