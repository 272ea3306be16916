using System.Text.Json;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("inspect");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task The_plan_has_keys_and_values_of_each_type_and_the_packed_copy()
    {
        var run = await Cli.CommandLineRun.Of("inspect", RandomTiny.Folder, "--plan", "1000000", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var plan = JsonDocument.Parse(run.Output).RootElement;
        var bytes = plan.GetProperty("key_value_bytes");
        Assert.Equal(2 * bytes.GetProperty("f16").GetInt64(), bytes.GetProperty("f32").GetInt64());
        Assert.Equal(bytes.GetProperty("bf16").GetInt64(), bytes.GetProperty("f16").GetInt64());
        Assert.Equal(0, plan.GetProperty("packed_weight_bytes").GetInt64());
        var text = await Cli.CommandLineRun.Of("inspect", RandomTiny.Folder, "--plan", "1000000");
        Assert.Contains("1,000,000 tokens", text.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await Cli.CommandLineRun.Of("inspect", RandomTiny.Folder, "--plan", "0")).ExitCode);
    }

    [Fact]
    public async Task The_official_config_and_index_give_the_published_figures_without_weights()
    {
        var (code, output, error) = await Run("inspect", Fixtures.Shared("data/minimax-m1"));
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("8,243 tensors, all names match model.safetensors.index.json (413 shards)", output, StringComparison.Ordinal);
        Assert.Contains("456,089,655,296 parameters", output, StringComparison.Ordinal);
        Assert.Contains("912,210,767,872 bytes (BF16, router gates F32), equal to total_size of the index", output, StringComparison.Ordinal);
        Assert.Contains("45.94 B active", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_figures_come_from_the_configuration_alone()
    {
        var (code, output, _) = await Run("inspect", WriteModel(ModelFacts.MiniMaxM1.ToJson()));
        Assert.Equal(0, code);
        Assert.Contains("8,243 tensors, no model.safetensors.index.json here", output, StringComparison.Ordinal);
        Assert.Contains("456,089,655,296 parameters", output, StringComparison.Ordinal);
        Assert.Contains("912,210,767,872 bytes", output, StringComparison.Ordinal);
        Assert.Contains("293,601,280 bytes (f32)", output, StringComparison.Ordinal);
        Assert.Contains("40,960 bytes for each token", output, StringComparison.Ordinal);
    }

    // Ratios of specification section 10: one token, cumulative, and Figure 1 of the report.
    [Theory]
    [InlineData("| 32K ", "0.445 |          0.167 |    0.732 |", "0.645 |          0.285 |    1.069 |", "| 0.584 |    0.935 |")]
    [InlineData("| 64K ", "0.290 |          0.098 |    0.474 |", "0.445 |          0.167 |    0.732 |", "| 0.385 |    0.604 |")]
    [InlineData("| 100,000 ", "0.222 |          0.072 |    0.363 |", "0.344 |          0.120 |    0.564 |", "| 0.292 |    0.453 |")]
    [InlineData("| 128K ", "0.189 |          0.060 |    0.308 |", "0.290 |          0.098 |    0.474 |", "| 0.244 |    0.377 |")]
    public async Task The_comparison_shows_the_ratios_with_their_definitions(string length, string perToken, string cumulative, string figure1)
    {
        var (_, output, _) = await Run("inspect", WriteModel(ModelFacts.MiniMaxM1.ToJson()));
        var tables = output[output.IndexOf("FLOPs of one token that sees n keys", StringComparison.Ordinal)..]
            .Split('\n').Where(line => line.StartsWith(length, StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, tables.Length);
        Assert.EndsWith(perToken, tables[0].TrimEnd(), StringComparison.Ordinal);
        Assert.EndsWith(cumulative, tables[1].TrimEnd(), StringComparison.Ordinal);
        Assert.EndsWith(figure1, tables[2].TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_small_model_is_not_compared_with_large_ones()
    {
        var (code, output, _) = await Run("inspect", WriteModel(ModelFacts.Small.ToJson()));
        Assert.Equal(0, code);
        Assert.DoesNotContain("DeepSeek", output, StringComparison.Ordinal);
        Assert.Contains("| 4K ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_has_the_exact_figures()
    {
        var (code, output, _) = await Run("inspect", WriteModel(ModelFacts.MiniMaxM1.ToJson()), "--json", "--context", "1000000");
        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal(8243, json.RootElement.GetProperty("tensors").GetInt32());
        Assert.Equal(912_210_767_872, json.RootElement.GetProperty("bytes").GetInt64());
        Assert.Equal(45_944_920_064, json.RootElement.GetProperty("active_parameters").GetProperty("without_embedding_and_head").GetInt64());
        var row = Assert.Single(json.RootElement.GetProperty("flops").GetProperty("rows").EnumerateArray());
        Assert.Equal(8_568_361_689_088_000_000, row.GetProperty("cumulative")[2].GetInt64());
    }

    [Fact]
    public async Task A_context_beyond_the_declared_positions_is_noted()
    {
        var (code, output, error) = await Run("inspect", WriteModel(ModelFacts.Small.ToJson()), "--context", "8192");
        Assert.Equal(0, code);
        Assert.Contains("4,096 positions", error, StringComparison.Ordinal);
        Assert.Contains("| 8K ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("9223372036854775807")]
    [InlineData("many")]
    public async Task An_impossible_context_is_refused(string context)
    {
        var (code, _, error) = await Run("inspect", WriteModel(ModelFacts.Small.ToJson()), "--context", context);
        Assert.Equal(2, code);
        Assert.Contains(context, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_with_other_names_is_refused()
    {
        var model = WriteModel(ModelFacts.Small.ToJson());
        await WriteIndex("""{"weight_map": {"model.norm.weight": "a.safetensors", "surprise": "a.safetensors"}}""");
        var (code, _, error) = await Run("inspect", model);
        Assert.Equal(2, code);
        Assert.Contains("1 unexpected: surprise", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_total_size_that_differs_is_pointed_out()
    {
        var model = WriteModel(ModelFacts.Small.ToJson());
        var names = TensorManifest.Create(ModelFacts.Small).Tensors.Select(t => $"\"{t.Name}\": \"a.safetensors\"");
        await WriteIndex($$"""{"metadata": {"total_size": 12345}, "weight_map": { {{string.Join(", ", names)}} } }""");
        var (code, output, _) = await Run("inspect", model);
        Assert.Equal(0, code);
        Assert.Contains("all names match model.safetensors.index.json (1 shard)", output, StringComparison.Ordinal);
        Assert.Contains("total_size of the index is 12,345", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"weight_map": [1]}""")]
    public async Task A_file_that_is_no_index_is_refused(string text)
    {
        var model = WriteModel(ModelFacts.Small.ToJson());
        await WriteIndex(text);
        var (code, _, error) = await Run("inspect", model);
        Assert.Equal(2, code);
        Assert.Contains("model.safetensors.index.json", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_place_without_a_model_is_refused()
    {
        var (code, _, error) = await Run("inspect", folder.FullName);
        Assert.Equal(2, code);
        Assert.Contains("has no config.json", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flops.png", "\u0089PNG")]
    [InlineData("FLOPS.SVG", "<?xml")]
    public async Task A_plot_has_the_format_of_its_ending_and_leaves_nothing_else(string name, string start)
    {
        var plots = folder.CreateSubdirectory("plots");
        var path = Path.Combine(plots.FullName, name);
        var (code, _, error) = await Run("inspect", WriteModel(ModelFacts.MiniMaxM1.ToJson()), "--plot", path);
        Assert.Equal(0, code);
        Assert.Contains(path, error, StringComparison.Ordinal);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        Assert.True(bytes.Length > 5000, $"{bytes.Length} bytes");
        Assert.StartsWith(start, System.Text.Encoding.Latin1.GetString(bytes, 0, 16), StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(plots.FullName));
    }

    [Theory]
    [InlineData("flops.gif", ".png or .svg")]
    [InlineData("flops", ".png or .svg")]
    [InlineData("absent/flops.png", "cannot be written")]
    public async Task A_plot_that_cannot_be_written_is_refused(string name, string expected)
    {
        var (code, _, error) = await Run("inspect", WriteModel(ModelFacts.Small.ToJson()), "--plot", Path.Combine(folder.FullName, name));
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_shows_an_example()
    {
        var (code, output, _) = await Run("inspect", "--help");
        Assert.Equal(0, code);
        Assert.Contains("Example: minimax inspect", output, StringComparison.Ordinal);
    }

    private Task WriteIndex(string text) =>
        File.WriteAllTextAsync(Path.Combine(folder.FullName, "model.safetensors.index.json"), text, TestContext.Current.CancellationToken);

    private string WriteModel(string json)
    {
        File.WriteAllText(Path.Combine(folder.FullName, "config.json"), json);
        return folder.FullName;
    }

    private static async Task<(int Code, string Output, string Error)> Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
