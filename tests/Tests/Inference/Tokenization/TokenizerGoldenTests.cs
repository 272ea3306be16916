using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class TokenizerGoldenTests
{
    private static readonly Dictionary<int, string> M2Tokens = new()
    {
        [200000] = "]!p~[",
        [200001] = "<fim_prefix>",
        [200003] = "<fim_suffix>",
        [200019] = "]~b]",
        [200020] = "[e~[",
        [200034] = "]~!b[",
        [200050] = "<think>",
        [200051] = "</think>",
        [200052] = "<minimax:tool_call>",
        [200053] = "</minimax:tool_call>",
    };

    [Fact]
    public void Ids_equal_those_of_an_independent_tokenizer()
    {
        var tokenizer = TokenizerFixtures.Official;
        var cases = TokenizerFixtures.GoldenCases();
        Assert.Equal(196, cases.Count);
        Assert.Multiple([.. cases.Select(golden => (Action)(() => AssertIds(golden.Ids, tokenizer.Encode(golden.Text, allowSpecial: true), golden.Text)))]);
    }

    [Fact]
    public void Ids_equal_the_real_ones_of_MiniMax_M2()
    {
        var json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(TokenizerFixtures.OfficialFolder, "tokenizer.json")))!.AsObject();
        json["added_tokens"] = new JsonArray([.. M2Tokens.Select(token => new JsonObject { ["id"] = token.Key, ["content"] = token.Value, ["special"] = true })]);
        var tokenizer = TokenizerFixtures.Parse(json);
        foreach (var (text, ids) in TokenizerFixtures.RealCases())
        {
            AssertIds(ids, tokenizer.Encode(text, allowSpecial: true), text);
        }
    }

    [Fact]
    public void Both_file_formats_give_the_same_ids()
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer");
        try
        {
            foreach (var name in (string[])["merges.txt", "tokenizer_config.json"])
            {
                File.Copy(Path.Combine(TokenizerFixtures.OfficialFolder, name), Path.Combine(folder.FullName, name));
            }

            var tokenizer = Tokenizer.Load(folder.FullName);
            Assert.Equal(TokenizerFixtures.Official.VocabularySize, tokenizer.VocabularySize);
            foreach (var (text, ids) in TokenizerFixtures.GoldenCases())
            {
                AssertIds(ids, tokenizer.Encode(text, allowSpecial: true), text);
                Assert.Equal(TokenizerFixtures.Official.Encode(text), tokenizer.Encode(text));
            }

            for (var id = 0; id < tokenizer.VocabularySize; id++)
            {
                Assert.True(tokenizer.TokenBytes(id).SequenceEqual(TokenizerFixtures.Official.TokenBytes(id)), $"token {id}");
                Assert.Equal(id >= 200_000, tokenizer.IsSpecial(id));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_official_vocabulary_has_the_known_ids()
    {
        var tokenizer = TokenizerFixtures.Official;
        Assert.Equal(200_035, tokenizer.VocabularySize);
        Assert.True(tokenizer.TryGetSpecial("<end_of_sentence>", out var end));
        Assert.Equal(200_020, end);
        Assert.False(tokenizer.TryGetSpecial("<think>", out _));
        Assert.Equal([0xE4], tokenizer.TokenBytes(0xE4).ToArray());
        Assert.Equal("  "u8.ToArray(), tokenizer.TokenBytes(256).ToArray());
    }

    private static void AssertIds(int[] expected, int[] actual, string text) =>
        Assert.True(expected.AsSpan().SequenceEqual(actual), $"\"{text}\": expected {string.Join(',', expected)} but was {string.Join(',', actual)}");
}
