using System.Diagnostics;
using System.Text;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class TokenizerTests
{
    // Parts that meet all classes of the pattern, normalisation, added tokens and astral characters.
    private static readonly string[] Parts =
    [
        "a", "B", "The", "don't", "'LL", "'\u017F", "ǅ", "ʰ", "中文", "かな", "한", "\u1112\u1161\u11AB", "é", "e\u0301", "\u0301", "\u212B", "\u0958", "𐐷", "𝒳", "😀", "👨\u200D👩",
        "1", "23456", "½", "٣", " ", "  ", "\t", "\u3000", "\u00A0", "\n", "\r\n", "!", "//", "…", "<end_of_sentence>", "<beginning_of_sentence>", "<fim", "_", "\0", "\uFFFD", "\uFFFE", "\uFFFF",
    ];

    private static readonly Lazy<string[][]> TinyMerges = new(
        () => [.. TokenizerFixtures.TinyJson()["model"]!["merges"]!.AsArray().Select(merge => merge!.GetValue<string>().Split(' '))]);

    private static readonly Gen<string> AnyRunes = Gen.Int[0, 0x10FFFF - 0x800].Array[0, 12]
        .Select(values => string.Concat(values.Select(value => new Rune(value < 0xD800 ? value : value + 0x800).ToString())));

    private static readonly Gen<string> AnyText = Gen.OneOf(Gen.OneOf(Parts).Array[0, 12].Select(string.Concat), AnyRunes);

    [Fact]
    public void Decoding_gives_back_the_normalised_text() => AnyText.Sample(
        text =>
        {
            // Normalize refuses U+FFFE, a valid character that is part of no composition.
            var normalized = string.Join('\uFFFE', text.Split('\uFFFE').Select(part => part.Normalize(NormalizationForm.FormC)));
            var tokenizer = TokenizerFixtures.Tiny;
            return tokenizer.Decode(tokenizer.Encode(text)) == normalized && tokenizer.Decode(tokenizer.Encode(normalized, allowSpecial: true)) == normalized;
        },
        iter: 10_000);

    [Fact]
    public void Text_cannot_produce_a_special_token_by_default() => AnyText.Sample(
        text => !TokenizerFixtures.Tiny.Encode(text).Any(TokenizerFixtures.Tiny.IsSpecial),
        iter: 10_000);

    [Fact]
    public void The_stream_of_a_detokenizer_equals_the_decoded_whole() => Gen.Select(Gen.Int[0, 511].Array[0, 30], Gen.Int[0x80, 0xFF].Array[0, 30], Gen.Bool).Sample(
        (any, highBytes, skipSpecial) =>
        {
            // The second half is rich in characters that are split over tokens and in invalid ones.
            int[] ids = [.. any, .. highBytes];
            var detokenizer = TokenizerFixtures.Tiny.CreateDetokenizer(skipSpecial);
            var pushed = ids.Select(detokenizer.Push).ToList();
            pushed.Add(detokenizer.Flush());
            return string.Concat(pushed) == TokenizerFixtures.Tiny.Decode(ids, skipSpecial) && pushed.All(IsWhole);
        },
        iter: 10_000);

    [Fact]
    public void A_character_over_several_tokens_comes_out_at_once()
    {
        var detokenizer = TokenizerFixtures.Tiny.CreateDetokenizer();
        Assert.Equal(["", "", "", "😀"], "😀"u8.ToArray().Select(value => detokenizer.Push(value)));
        Assert.Equal("", detokenizer.Push(0xE4));
        Assert.Equal("\uFFFD", detokenizer.Flush());
        Assert.Equal("a", detokenizer.Push('a'));
    }

    [Fact]
    public void Special_tokens_are_recognised_only_on_request()
    {
        var tokenizer = TokenizerFixtures.Tiny;
        Assert.True(tokenizer.TryGetSpecial("<end_of_sentence>", out var end));
        var text = "<<end_of_sentence><end_of_sentence";
        Assert.Equal([.. tokenizer.Encode("<"), end, .. tokenizer.Encode("<end_of_sentence")], tokenizer.Encode(text, allowSpecial: true));
        Assert.DoesNotContain(end, tokenizer.Encode(text));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text, allowSpecial: true)));
        Assert.Equal("<<end_of_sentence", tokenizer.Decode(tokenizer.Encode(text, allowSpecial: true), skipSpecial: true));
    }

    [Fact]
    public void The_leftmost_and_then_the_longest_added_token_wins()
    {
        var json = TokenizerFixtures.TinyJson();
        foreach (var (id, content) in new[] { (600, "<a>"), (601, "<a><b>"), (602, "b><c"), (603, "<Å>") })
        {
            json["added_tokens"]!.AsArray().Add(new System.Text.Json.Nodes.JsonObject { ["id"] = id, ["content"] = content, ["normalized"] = id == 603 });
        }

        var tokenizer = TokenizerFixtures.Parse(json);
        Assert.Equal([601], tokenizer.Encode("<a><b>", allowSpecial: true));
        Assert.Equal([601, '<', 'c'], tokenizer.Encode("<a><b><c", allowSpecial: true));
        Assert.Equal([600, 602], tokenizer.Encode("<a>b><c", allowSpecial: true));
        Assert.Equal([603], tokenizer.Encode("<A\u030A>", allowSpecial: true));
        Assert.False(tokenizer.IsSpecial(603));
    }

    [Theory]
    [InlineData("x  ", "x|  ")]
    [InlineData("a  b \t c", "a| | b| \t| c")]
    [InlineData(" \t \n \t x", " \t \n| \t| x")]
    [InlineData("a/b !\n/ !\r\n//\nx", "a|/b| !\n/| !\r\n//\n|x")]
    [InlineData("\u0301A! 中AB! A中B 中ABc", "\u0301|A|!| 中|AB|!| A中|B| 中ABc")]
    [InlineData("HTMLParser I'M it'sx don'tve 'llama x'\u017Fy", "HTMLParser| I'M| it's|x| don't|ve| '|llama| x'\u017F|y")]
    [InlineData("12345²½ ٣٤ ⅧⅨ", "123|45²|½| |٣٤| |ⅧⅨ")]
    [InlineData("𐐷𐐀a 𝒳! 🙂b", "𐐷|𐐀a| 𝒳|!| 🙂|b")]
    [InlineData("_foo (bar) --x", "_foo| (|bar|)| --|x")]
    [InlineData("\u3000\u3000x \u3000!", "\u3000|\u3000x| |\u3000|!")]
    public void Pieces_follow_the_pattern(string text, string pieces)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var found = new List<string>();
        for (var start = 0; start < utf8.Length;)
        {
            var end = PreTokenizer.EndOfPiece(utf8, start);
            found.Add(Encoding.UTF8.GetString(utf8[start..end]));
            start = end;
        }

        Assert.Equal(pieces, string.Join('|', found));
    }

    [Fact]
    public void Long_pieces_are_merged_in_the_same_order_as_short_ones() => Gen.OneOf("aaaa", "the", "ing", "er", "q", "on", "an", "ther").Array[20, 90].Sample(
        parts =>
        {
            // Against the plain definition: apply the lowest merge, leftmost first, until none is left.
            var text = string.Concat(parts);
            return TokenizerFixtures.Tiny.Encode(text).SequenceEqual(MergeByDefinition(text));
        },
        iter: 100);

    [Fact]
    public void A_megabyte_without_a_space_takes_no_quadratic_time()
    {
        var random = new Random(1);
        var text = string.Create(1_000_000, random, (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = (char)('a' + source.Next(26));
            }
        });
        TokenizerFixtures.Tiny.Encode(text.AsSpan(0, 50_000));
        var small = Time(() => TokenizerFixtures.Tiny.Encode(text.AsSpan(0, 100_000)));
        var large = Time(() => Assert.Equal(text, TokenizerFixtures.Tiny.Decode(TokenizerFixtures.Tiny.Encode(text))));
        Assert.True(large < 40 * Math.Max(small, 20), $"0.1 MB took {small} ms, 1 MB took {large} ms");
        var upper = new string('A', 1_000_000);
        Assert.True(Time(() => TokenizerFixtures.Tiny.Encode(upper)) < 10_000);
    }

    [Fact]
    public void Lone_surrogates_are_encoded_as_the_replacement_character()
    {
        var tokenizer = TokenizerFixtures.Tiny;
        Assert.Equal(tokenizer.Encode("a\uFFFDé\uFFFD"), tokenizer.Encode("a\uD83De\u0301\uDE00"));
    }

    [Fact]
    public void Many_threads_get_the_ids_of_one_thread()
    {
        var tokenizer = Tokenizer.Load(TokenizerFixtures.TinyFolder);
        var texts = Enumerable.Range(0, 200).Select(i => $"the river number {i} runs past the mill, {i * 7919} times").ToArray();
        var parallel = texts.AsParallel().AsOrdered().Select(text => tokenizer.Encode(text)).ToArray();
        Assert.Equal(texts.Select(text => TokenizerFixtures.Tiny.Encode(text)), parallel);
    }

    [Fact]
    public void Without_ICU_text_that_needs_NFC_is_refused_and_other_text_passes()
    {
        var normalizer = new TextNormalizer(platformNormalizes: false);
        foreach (var text in (string[])["plain", "“é” 中文 かな Привет 한 😀", ""])
        {
            Assert.Equal(text, normalizer.Normalize(text).ToString());
        }

        foreach (var text in (string[])["e\u0301", "\u212B", "\u0958", "\uF900"])
        {
            var error = Assert.Throws<InvalidInputException>(() => normalizer.Normalize(text).Length);
            Assert.Contains("ICU", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Heaps_of_combining_marks_take_no_quadratic_time()
    {
        var same = "e" + new string('\u0301', 10_000);
        Assert.Equal(same.Normalize(NormalizationForm.FormC), TokenizerFixtures.Tiny.Decode(TokenizerFixtures.Tiny.Encode(same)));
        var few = "e" + string.Concat(Enumerable.Repeat("\u0301\u0316", 500));
        Assert.Equal(few.Normalize(NormalizationForm.FormC), TokenizerFixtures.Tiny.Decode(TokenizerFixtures.Tiny.Encode(few)));
        foreach (var marks in (string[])["\u0301\u0316", "\U0001D165\U0001D16D", "\u0F73"])
        {
            var hostile = "e" + string.Concat(Enumerable.Repeat(marks, 500_000));
            Assert.Contains("combining marks", Assert.Throws<InvalidInputException>(() => TokenizerFixtures.Tiny.Encode(hostile)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_unknown_id_is_refused_with_the_range()
    {
        Assert.Contains("0 to 511", Assert.Throws<InvalidInputException>(() => TokenizerFixtures.Tiny.Decode([512])).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => TokenizerFixtures.Tiny.TokenBytes(-1).Length);
        Assert.Throws<InvalidInputException>(() => TokenizerFixtures.Tiny.CreateDetokenizer().Push(70_000));
    }

    private static long Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.ElapsedMilliseconds;
    }

    private static bool IsWhole(string text) => text.Length == 0 || (!char.IsLowSurrogate(text[0]) && !char.IsHighSurrogate(text[^1]));

    private static int[] MergeByDefinition(string text)
    {
        var tokens = text.Select(letter => letter.ToString()).ToList();
        foreach (var pair in TinyMerges.Value)
        {
            for (var i = 0; i + 1 < tokens.Count; i++)
            {
                if (tokens[i] == pair[0] && tokens[i + 1] == pair[1])
                {
                    tokens[i] += pair[1];
                    tokens.RemoveAt(i + 1);
                }
            }
        }

        return [.. tokens.Select(token => Array.FindIndex(TinyMerges.Value, pair => pair[0] + pair[1] == token) is var i and >= 0 ? 256 + i : token[0])];
    }
}
