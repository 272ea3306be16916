using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tests.Cli;

namespace MiniMaxSharp.Tests;

public sealed class DataCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("data").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Texts_are_counted_cleaned_and_learned_from()
    {
        const string Test = "How many apples has Ann when she had three and gets five?";
        string[] texts = ["The first text is about the cat on the mat.", "the FIRST text is about: the cat, on the mat", "Solve: " + Test, "The second text is short."];
        var corpus = Write("corpus.jsonl", texts.Select(text => JsonSerializer.Serialize(new { text })));
        var test = Write("test.jsonl", [JsonSerializer.Serialize(new { question = Test })]);

        var (code, output, _) = await Run("data", "dedup", corpus, "--out", Place("unique.jsonl"));
        Assert.Equal((0, true), (code, output.StartsWith("1 exact, 3 new", StringComparison.Ordinal)));
        (code, output, _) = await Run("data", "decontaminate", Place("unique.jsonl"), "--against", test, "--field", "text", "--out", Place("clean.jsonl"));
        Assert.Equal(2, code);
        File.WriteAllText(test, JsonSerializer.Serialize(new { text = Test }));
        (code, output, _) = await Run("data", "decontaminate", Place("unique.jsonl"), "--against", test, "--out", Place("clean.jsonl"));
        Assert.Equal((0, true), (code, output.StartsWith("2 clean, 1 contaminated", StringComparison.Ordinal)));
        Assert.Equal(2, File.ReadLines(Place("clean.jsonl")).Count());

        (code, _, _) = await Run("data", "tokenizer", Place("clean.jsonl"), "--vocab-size", "300", "--out", Place("tokenizer"));
        Assert.Equal(0, code);
        Assert.Equal("Any text, 中文", Tokenizer.Load(Place("tokenizer")) is var tokenizer ? tokenizer.Decode(tokenizer.Encode("Any text, 中文")) : null);
        (code, output, _) = await Run("data", "stats", Place("clean.jsonl"), "--tokenizer", Place("tokenizer"), "--json");
        using var figures = JsonDocument.Parse(output);
        Assert.Equal(2, figures.RootElement.GetProperty("texts").GetInt32());
        Assert.True(figures.RootElement.GetProperty("tokens").GetProperty("total").GetInt32() > 10);
    }

    [Fact]
    public async Task A_missing_field_names_place_and_fields()
    {
        var file = Write("x.jsonl", ["""{"text":"a"}""", """{"body":"b"}"""]);
        var (code, _, error) = await Run("data", "stats", file);
        Assert.Equal(2, code);
        Assert.Contains("x.jsonl:2: there is no text field \"text\". Fields: body", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> Run(params string[] args)
    {
        var run = await CommandLineRun.Of(args);
        return (run.ExitCode, run.Output, run.Error);
    }

    private string Place(string name) => Path.Combine(folder, name);

    private string Write(string name, IEnumerable<string> lines)
    {
        File.WriteAllLines(Place(name), lines);
        return Place(name);
    }
}
