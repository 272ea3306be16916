using System.Text.Json;
using MiniMaxSharp.Cli;

namespace MiniMaxSharp.Tests.Cli;

public class BenchCommandTests
{
    [Fact]
    public async Task Json_has_a_row_for_each_test_and_depth_with_bytes_and_share()
    {
        var run = await CommandLineRun.Of("bench", RandomTiny.Folder, "-p", "8,16", "-n", "4", "-d", "0,300", "-t", "1", "-r", "1", "--warm-up", "0", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var result = JsonDocument.Parse(run.Output).RootElement;
        var tests = result.GetProperty("tests").EnumerateArray().ToArray();
        Assert.Equal(["pp8", "pp16", "tg4", "pp8", "pp16", "tg4"], tests.Select(test => test.GetProperty("test").GetString()));
        Assert.All(tests, test => Assert.True(test.GetProperty("tokens_per_second").GetDouble() > 0));
        var (shallow, deep) = (tests[2].GetProperty("bytes_per_token").GetInt64(), tests[5].GetProperty("bytes_per_token").GetInt64());
        Assert.Equal(300L * 2 * 2 * 16 * 2, deep - shallow); // one softmax layer, 2 key/value heads of 16, f16
        Assert.True(result.GetProperty("memory_bytes_per_second").GetDouble() > 0);
    }

    [Fact]
    public async Task A_synthetic_depth_gets_a_line_and_a_note_of_its_memory()
    {
        var run = await CommandLineRun.Of(
            "bench", RandomTiny.Folder, "-p", "1", "-n", "2", "-d", "0,20000,40000", "--fill", "synthetic", "--kv-type", "q8", "-t", "1", "-r", "1", "--warm-up", "0", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("memory for 40,002 tokens", run.Error, StringComparison.Ordinal);
        var result = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal("synthetic", result.GetProperty("fill").GetString());
        var fit = result.GetProperty("fit");
        Assert.Equal(2 * 2 * (16 + 4), fit.GetProperty("kv_bytes_per_depth_token").GetInt32()); // a scale of 4 bytes for each row of 16
        Assert.True(fit.GetProperty("seconds_per_depth_token").GetDouble() > 0);
    }

    [Fact]
    public void The_line_is_found_from_its_points()
    {
        SpeedRow[] rows = [.. new[] { 0, 1000, 4000 }.Select(depth => new SpeedRow("tg8", depth, 1 / (0.002 + (depth * 3e-8)), 0, 0, 1))];
        var fit = DepthFit.Of(rows)!;
        Assert.Equal(0.002, fit.Seconds, 9);
        Assert.Equal(3e-8, fit.SecondsPerToken, 12);
        Assert.Equal(1, fit.R2, 6);
        Assert.Equal(300, fit.BytesPerToken(1e10), 3);
        Assert.Null(DepthFit.Of(rows[..2]));
    }

    [Fact]
    public async Task The_table_is_markdown()
    {
        var run = await CommandLineRun.Of("bench", RandomTiny.Folder, "-p", "8", "-n", "0", "-t", "1", "-r", "1", "--warm-up", "0");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("| pp8 ", run.Output.Replace("|  ", "| ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-p", "x")]
    [InlineData("-p", "0")]
    [InlineData("-p", "-5")]
    [InlineData("-d", "1,,2")]
    [InlineData("-r", "0")]
    [InlineData("--kv-type", "int3")]
    [InlineData("--fill", "zeros")]
    [InlineData("--warm-up", "-1")]
    [InlineData("--bf16-inputs", "some")]
    public async Task Bad_numbers_exit_with_2(string option, string value)
    {
        var run = await CommandLineRun.Of("bench", RandomTiny.Folder, option, value);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(option, run.Error, StringComparison.Ordinal);
    }
}
