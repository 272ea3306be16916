using System.Text;
using System.Text.Json;
using MiniMaxSharp.Cli;

namespace MiniMaxSharp.Tests;

public sealed class TokenizeCommandTests : IDisposable
{
    private readonly string file = Path.GetTempFileName();

    public void Dispose() => File.Delete(file);

    [Fact]
    public async Task A_text_is_shown_as_ids_pieces_and_counts()
    {
        var (code, output, _) = await Run("tokenize", TokenizerFixtures.TinyFolder, "the\té<end_of_sentence>", "--special");
        Assert.Equal(0, code);
        var lines = output.TrimEnd().Split('\n');
        Assert.Contains(lines, line => line.EndsWith("\"\\t\"", StringComparison.Ordinal));
        Assert.Contains("    195  \"\\xC3\"", lines);
        Assert.Contains(lines, line => line.EndsWith("\"<end_of_sentence>\"  special", StringComparison.Ordinal));
        Assert.EndsWith(" tokens, 23 bytes", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_prints_one_array_of_arrays_and_nothing_else()
    {
        await File.WriteAllTextAsync(file, """["the river", "", "tab\t \"q\" \u00e9 \ud83d\ude00", "lone \ud83d!", "<end_of_sentence>"]""", TestContext.Current.CancellationToken);
        var (code, output, error) = await Run("tokenize", TokenizerFixtures.TinyFolder, "--json", file);
        Assert.Equal((0, ""), (code, error));
        var tiny = TokenizerFixtures.Tiny;
        int[][] expected = [tiny.Encode("the river"), [], tiny.Encode("tab\t \"q\" é 😀"), tiny.Encode("lone \uFFFD!"), tiny.Encode("<end_of_sentence>")];
        Assert.Equal(expected, JsonSerializer.Deserialize<int[][]>(output));
    }

    [Fact]
    public async Task Json_recognises_special_tokens_only_on_request()
    {
        await File.WriteAllTextAsync(file, """["<end_of_sentence>"]""", TestContext.Current.CancellationToken);
        var (_, output, _) = await Run("tokenize", TokenizerFixtures.TinyFolder, "--json", file, "--special");
        Assert.True(TokenizerFixtures.Tiny.TryGetSpecial("<end_of_sentence>", out var id));
        Assert.Equal($"[[{id}]]", output.Trim());
    }

    [Theory]
    [InlineData("[]", "[]")]
    [InlineData("[\"\"]", "[[]]")]
    public async Task Json_of_nothing_is_empty(string json, string expected)
    {
        await File.WriteAllTextAsync(file, json, TestContext.Current.CancellationToken);
        Assert.Equal(expected, (await Run("tokenize", TokenizerFixtures.TinyFolder, "--json", file)).Output.Trim());
    }

    [Theory]
    [InlineData("[\"a\", 1]", "element 1")]
    [InlineData("{}", "array of strings")]
    [InlineData("[\"a\"", "not valid JSON")]
    [InlineData("[\"a\"] x", "not valid JSON")]
    [InlineData("", "not valid JSON")]
    [InlineData("[\"\u00FF\"]", "not valid UTF-8")]
    public async Task A_broken_json_file_is_bad_input(string json, string message)
    {
        await File.WriteAllBytesAsync(file, Encoding.Latin1.GetBytes(json), TestContext.Current.CancellationToken);
        var (code, output, error) = await Run("tokenize", TokenizerFixtures.TinyFolder, "--json", file);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Missing_files_and_contradicting_arguments_are_bad_input()
    {
        Assert.Equal(2, (await Run("tokenize", Path.GetTempPath() + "absent-model", "x")).Code);
        Assert.Equal(2, (await Run("tokenize", TokenizerFixtures.TinyFolder, "--json", file + ".absent")).Code);
        Assert.Equal(2, (await Run("tokenize", TokenizerFixtures.TinyFolder, "x", "--json", file)).Code);
        Assert.Equal(2, (await Run("tokenize")).Code);
    }

    private static async Task<(int Code, string Output, string Error)> Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
