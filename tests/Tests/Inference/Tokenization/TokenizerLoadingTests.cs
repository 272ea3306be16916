using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class TokenizerLoadingTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("tokenizer");

    public void Dispose() => this.folder.Delete(recursive: true);

    [Fact]
    public void The_tiny_tokenizer_has_512_ids_and_the_special_tokens_of_the_family()
    {
        Assert.Equal(512, TokenizerFixtures.Tiny.VocabularySize);
        Assert.Equal(25, Enumerable.Range(0, 512).Count(TokenizerFixtures.Tiny.IsSpecial));
        foreach (var content in (string[])["<beginning_of_sentence>", "<end_of_sentence>", "<begin_of_document>", "<end_of_document>"])
        {
            Assert.True(TokenizerFixtures.Tiny.TryGetSpecial(content, out var id) && TokenizerFixtures.Tiny.IsSpecial(id));
            Assert.Equal(content, Encoding.UTF8.GetString(TokenizerFixtures.Tiny.TokenBytes(id)));
        }
    }

    [Fact]
    public void Merges_may_be_pairs_and_text_beyond_ASCII_may_be_escaped()
    {
        var json = TokenizerFixtures.TinyJson();
        var model = json["model"]!;
        model["merges"] = new JsonArray([.. model["merges"]!.AsArray().Select(merge => new JsonArray([.. merge!.GetValue<string>().Split(' ').Select(part => JsonValue.Create(part))]))]);
        var text = "The river runs past \"the\" mill \\ é";
        Assert.Equal(TokenizerFixtures.Tiny.Encode(text), TokenizerFixtures.Parse(json).Encode(text));
    }

    [Fact]
    public void With_ignore_merges_a_piece_that_is_a_token_stays_whole()
    {
        var json = TokenizerFixtures.TinyJson();
        json["model"]!["vocab"]!["qzqz"] = 600;
        Assert.Equal(4, TokenizerFixtures.Parse(json).Encode("qzqz").Length);
        json["model"]!["ignore_merges"] = true;
        Assert.Equal([600], TokenizerFixtures.Parse(json).Encode("qzqz"));
        Assert.Equal(601, TokenizerFixtures.Parse(json).VocabularySize);
    }

    [Fact]
    public void An_added_token_that_merges_could_make_is_not_made_from_text()
    {
        var json = TokenizerFixtures.TinyJson();
        var id = json["model"]!["vocab"]!["the"]?.GetValue<int>() ?? json["model"]!["vocab"]!["he"]!.GetValue<int>();
        var content = json["model"]!["vocab"]!.AsObject().First(entry => entry.Value!.GetValue<int>() == id).Key;
        json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = id, ["content"] = content, ["special"] = true });
        var tokenizer = TokenizerFixtures.Parse(json);
        Assert.DoesNotContain(id, tokenizer.Encode(content));
        Assert.Equal(content, tokenizer.Decode(tokenizer.Encode(content)));
        Assert.Equal([id], tokenizer.Encode(content, allowSpecial: true));
    }

    [Fact]
    public void Without_a_normalizer_text_is_left_as_it_is()
    {
        var json = TokenizerFixtures.TinyJson();
        json["normalizer"] = null;
        var tokenizer = TokenizerFixtures.Parse(json);
        Assert.Equal("e\u0301", tokenizer.Decode(tokenizer.Encode("e\u0301")));
    }

    [Fact]
    public void Merges_with_a_configuration_give_the_named_special_tokens_after_the_merges()
    {
        WriteMerges("#version: 0.2\r\nh e\r\nt he\r\n\u0120 the");
        Write("tokenizer_config.json", """{"bos_token":"<s>","eos_token":{"content":"</s>"},"unk_token":"</s>"}""");
        var tokenizer = Tokenizer.Load(this.folder.FullName);
        Assert.Equal([257, 258, '<', 's', '>'], tokenizer.Encode("the the<s>"));
        Assert.Equal([259, 260, 256], tokenizer.Encode("<s></s>he", allowSpecial: true));
        Assert.Equal(261, tokenizer.VocabularySize);
    }

    [Fact]
    public void Vocab_json_and_added_tokens_decoder_are_used_where_they_exist()
    {
        WriteMerges("h e");
        var vocabulary = new JsonObject { ["he"] = 7 };
        foreach (var (letters, id) in TokenizerFixtures.TinyJson()["model"]!["vocab"]!.AsObject().Take(256).Select(entry => (entry.Key, entry.Value!.GetValue<int>())))
        {
            vocabulary[letters] = id + 100;
        }

        Write("vocab.json", vocabulary.ToJsonString());
        Write("tokenizer_config.json", """{"added_tokens_decoder":{"400":{"content":"<s>","special":true}}}""");
        var tokenizer = Tokenizer.Load(this.folder.FullName);
        Assert.Equal([7, 'y' + 100, 400], tokenizer.Encode("hey<s>", allowSpecial: true));
    }

    [Fact]
    public void An_added_token_whose_id_is_a_merge_is_refused()
    {
        WriteMerges("h e\nl l");
        Write("tokenizer_config.json", """{"added_tokens_decoder":{"257":{"content":"<s>","special":true}}}""");
        AssertError(() => Tokenizer.Load(this.folder.FullName), "merges.txt", "merge 2", "\"<s>\" with id 257");
    }

    [Fact]
    public void Missing_files_are_named()
    {
        AssertError(() => Tokenizer.Load(Path.Combine(this.folder.FullName, "absent")), "no such folder");
        AssertError(() => Tokenizer.Load(this.folder.FullName), "no merges.txt", "Download");
        WriteMerges("h e");
        AssertError(() => Tokenizer.Load(this.folder.FullName), "no tokenizer_config.json");
    }

    [Theory]
    [InlineData("h\nq z", "merge 1 is \"h\"")]
    [InlineData("he llo", "names the token \"he\"")]
    [InlineData("h 中", "byte-level alphabet")]
    [InlineData("h e\nl l\nh e", "a second time")]
    public void Broken_merges_are_named(string merges, string message)
    {
        WriteMerges(merges);
        Write("tokenizer_config.json", "{}");
        AssertError(() => Tokenizer.Load(this.folder.FullName), "merges.txt", message);
    }

    [Fact]
    public void Broken_files_are_refused_with_the_place()
    {
        AssertError(() => Tokenizer.Parse("{\"a\":\"\xFF"u8[..6].ToArray().Append((byte)0xFF).ToArray(), "x.json"), "x.json", "UTF-8 at byte 6");
        AssertError(() => Tokenizer.Parse("{\"added_tokens\": ["u8, "x.json"), "not valid JSON");
        AssertError(() => Tokenizer.Parse("[]"u8, "x.json"), "object is expected");
        AssertError(() => Tokenizer.Parse("{}"u8, "x.json"), "pre_tokenizer");
        AssertError(() => Tokenizer.Parse(""u8, "x.json"), "not valid JSON");
    }

    [Fact]
    public void Contradictions_are_named() => Assert.Multiple(
        () => AssertRefused(json => Vocab(json)["he2"] = 3, "\"he2\"", "the id 3 belongs to two tokens"),
        () => AssertRefused(json => Vocab(json).Remove("Z"), "0x5A"),
        () => AssertRefused(json => Vocab(json)["x"] = -1, "id -1"),
        () => AssertRefused(json => Vocab(json)["x"] = 2_000_000_000, "id 2000000000"),
        () => AssertRefused(json => Vocab(json)["x"] = "7", "whole number"),
        () => AssertRefused(json => Vocab(json)[""] = 600, "empty"),
        () => AssertRefused(json => Vocab(json)["a b"] = 600, "\"a b\"", "alphabet"),
        () => AssertRefused(json => Vocab(json)["<fim_pad>"] = 600, "<fim_pad>", "600"),
        () => AssertRefused(json => Merges(json).Add("zz q"), "merge 232", "\"zz\""),
        () => AssertRefused(json => Merges(json).Add("q z"), "merge 232", "\"qz\""),
        () => AssertRefused(json => Merges(json).Add(Merges(json)[0]!.GetValue<string>()), "merge 232", "stands twice"),
        () => AssertRefused(json => Merges(json).Add("q"), "merge 232 is \"q\""),
        () => AssertRefused(json => Merges(json).Add(1), "merge 232 is 1"),
        () => AssertRefused(json => Added(json).Add(new JsonObject { ["id"] = 3, ["content"] = "<x>" }), "the id 3"),
        () => AssertRefused(json => Added(json).Add(new JsonObject { ["id"] = 511, ["content"] = "<x>" }), "two added tokens"),
        () => AssertRefused(json => Added(json).Add(new JsonObject { ["id"] = 600, ["content"] = "<fim_pad>" }), "two ids"),
        () => AssertRefused(json => Added(json).Add(new JsonObject { ["id"] = 600, ["content"] = "" }), "no content"),
        () => AssertRefused(json => Added(json).Add(new JsonObject { ["id"] = 600 }), "content"),
        () => AssertRefused(json => Added(json).Add(new JsonObject { ["content"] = "<x>" }), "no id"),
        () => AssertRefused(json => Added(json).Add(7), "no id"),
        () => AssertRefused(json => json["model"]!.AsObject().Remove("vocab"), "vocab"),
        () => AssertRefused(json => json.Remove("model"), "model"));

    [Fact]
    public void Unsupported_kinds_are_named() => Assert.Multiple(
        () => AssertRefused(json => json["normalizer"]!["type"] = "NFKC", "normalizer NFKC"),
        () => AssertRefused(json => json["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace" }, "Metaspace"),
        () => AssertRefused(json => Split(json)["pattern"]!["Regex"] = @"\w+", @"\w+"),
        () => AssertRefused(json => Split(json)["behavior"] = "MergedWithNext", "MergedWithNext"),
        () => AssertRefused(json => json["pre_tokenizer"]!["pretokenizers"]![1]!["add_prefix_space"] = true, "add_prefix_space"),
        () => AssertRefused(json => json["decoder"]!["type"] = "Metaspace", "decoder Metaspace"),
        () => AssertRefused(json => json["model"]!["type"] = "Unigram", "Unigram"),
        () => AssertRefused(json => json["model"]!["dropout"] = 0.1, "dropout"),
        () => AssertRefused(json => json["model"]!["end_of_word_suffix"] = "_", "end_of_word_suffix \"_\""),
        () => AssertRefused(json => Added(json)[0]!["lstrip"] = true, "lstrip"));

    private static JsonObject Vocab(JsonObject json) => json["model"]!["vocab"]!.AsObject();

    private static JsonArray Merges(JsonObject json) => json["model"]!["merges"]!.AsArray();

    private static JsonArray Added(JsonObject json) => json["added_tokens"]!.AsArray();

    private static JsonObject Split(JsonObject json) => json["pre_tokenizer"]!["pretokenizers"]![0]!.AsObject();

    private static void AssertRefused(Action<JsonObject> damage, params string[] parts)
    {
        var json = TokenizerFixtures.TinyJson();
        damage(json);
        AssertError(() => TokenizerFixtures.Parse(json), ["tokenizer.json", .. parts]);
    }

    private static void AssertError(Func<Tokenizer> load, params string[] parts)
    {
        var error = Assert.Throws<InvalidInputException>(load);
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private void WriteMerges(string text) => Write("merges.txt", text);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(this.folder.FullName, name), text);
}
