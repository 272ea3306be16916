using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

/// <summary>Tokenizers and golden cases of the tokenizer tests; each file is read once.</summary>
internal static class TokenizerFixtures
{
    private static readonly Lazy<Tokenizer> LazyTiny = new(() => Tokenizer.Load(TinyFolder));
    private static readonly Lazy<Tokenizer> LazyOfficial = new(() => Tokenizer.Load(OfficialFolder));

    /// <summary>The tokenizer of models/random-tiny, 512 ids; always there.</summary>
    public static Tokenizer Tiny => LazyTiny.Value;

    /// <summary>The tokenizer of MiniMax-M1, 200,035 ids; the test is skipped where it is absent.</summary>
    public static Tokenizer Official => OfficialFolder.Length > 0 ? LazyOfficial.Value : null!;

    public static string OfficialFolder => Fixtures.Shared("data/minimax-m1");

    public static string TinyFolder
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "MiniMaxSharp.slnx")))
            {
                folder = folder.Parent ?? throw new DirectoryNotFoundException("The repository root is not above the test output.");
            }

            return Path.Combine(folder.FullName, "models", "random-tiny");
        }
    }

    /// <summary>The content of the tiny tokenizer.json, to be broken by a test.</summary>
    public static JsonObject TinyJson() => JsonNode.Parse(File.ReadAllBytes(Path.Combine(TinyFolder, "tokenizer.json")))!.AsObject();

    public static Tokenizer Parse(JsonNode json) => Tokenizer.Parse(JsonSerializer.SerializeToUtf8Bytes(json), "tokenizer.json");

    /// <summary>The 196 golden cases.</summary>
    public static List<(string Text, int[] Ids)> GoldenCases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("tokenizer/golden.json")));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(entry => (entry.GetProperty("text").GetString()!, Ids(entry.GetProperty("ids"))))];
    }

    /// <summary>The 9 texts with ids of MiniMax-M2.</summary>
    public static List<(string Text, int[] Ids)> RealCases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Golden("tokenizer/real-ids-minimax-m2.json")));
        return [.. document.RootElement.EnumerateArray().Select(entry => (entry[0].GetString()!, Ids(entry[1])))];
    }

    private static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];
}
