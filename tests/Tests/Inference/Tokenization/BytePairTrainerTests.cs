using System.Text.Json;
using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class BytePairTrainerTests
{
    private static readonly string[] corpus =
    [
        "the cat sat on the mat and the rat sat on the cat", "a quick brown fox jumps over the lazy dog, then the dog sleeps",
        "numbers: 1234 5678 90 12 34 1234 5678", "中文的句子，中文的词，中文的字。", "don't, we'll, I've; x = y + 1;\r\n\treturn x;\n",
    ];

    [Fact]
    public void The_most_frequent_pair_merges_first()
    {
        // "ab" occurs 4 times, "bc" twice: ab, then ab+c.
        var trainer = new BytePairTrainer();
        Array.ForEach(["abc", "abc", "ab", "ab"], text => trainer.Add(text));
        using var file = JsonDocument.Parse(trainer.Train(256 + 2, specialTokens: []));
        var merges = file.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(merge => merge.GetString()).ToArray();
        Assert.Equal(["a b", "ab c"], merges[..2]);
    }

    [Fact]
    public void Learned_merges_equal_those_of_counting_anew_each_time()
    {
        var pieces = new Dictionary<string, long> { ["banana"] = 3, ["bandana"] = 2, ["ananas"] = 5, ["nab"] = 4, ["aaaa"] = 6 };
        var learned = new MergeLearner(pieces, mergeDigits: true).Learn(12, minCount: 2);
        Assert.Equal(LearnSlowly(pieces, 12), learned);
    }

    [Fact]
    public void Text_survives_and_gets_shorter_with_more_merges()
    {
        var trainer = Trained();
        var small = Tokenizer.Parse(trainer.Train(300), "small");
        var large = Tokenizer.Parse(trainer.Train(380), "large");
        foreach (var text in corpus)
        {
            Assert.Equal(text, large.Decode(large.Encode(text)));
        }

        Assert.True(corpus.Sum(text => large.Encode(text).Length) < corpus.Sum(text => small.Encode(text).Length));

        Gen.String.Sample(text => Assert.Equal(small.Decode(small.Encode(text)), large.Decode(large.Encode(text))), iter: 300);
    }

    [Fact]
    public void Special_tokens_come_last_and_text_cannot_make_them()
    {
        var tokenizer = Tokenizer.Parse(Trained().Train(400), "new");
        Assert.True(tokenizer.TryGetSpecial("<end_of_sentence>", out var end));
        Assert.True(end > 256 && end < tokenizer.VocabularySize);
        Assert.Equal(tokenizer.VocabularySize - 1, tokenizer.Encode(BytePairTrainer.SpecialTokens[^1], allowSpecial: true).Single());
        Assert.DoesNotContain(end, tokenizer.Encode("<end_of_sentence>"));
    }

    [Fact]
    public void Digits_stay_single_when_asked_for()
    {
        var trainer = new BytePairTrainer(mergeDigits: false);
        Array.ForEach(corpus, text => trainer.Add(text));
        var tokenizer = Tokenizer.Parse(trainer.Train(420), "new");
        Assert.Equal(4, tokenizer.Encode("1234").Length);
        Assert.True(Tokenizer.Parse(Trained().Train(420), "new").Encode("1234").Length < 4);
    }

    [Fact]
    public void The_same_texts_give_the_same_file() => Assert.Equal(Trained().Train(400), Trained().Train(400));

    [Fact]
    public void A_vocabulary_without_room_is_refused() => Assert.Throws<InvalidInputException>(() => Trained().Train(270));

    private static BytePairTrainer Trained()
    {
        var trainer = new BytePairTrainer();
        Array.ForEach(corpus, text => trainer.Add(text));
        return trainer;
    }

    private static List<(int, int)> LearnSlowly(Dictionary<string, long> pieces, int limit)
    {
        var words = pieces.Select(pair => (Ids: pair.Key.Select(letter => (int)letter).ToList(), Count: pair.Value)).ToList();
        var merges = new List<(int, int)>();
        while (merges.Count < limit)
        {
            var counts = words.SelectMany(word => word.Ids.Zip(word.Ids.Skip(1)).Select(pair => (pair, word.Count)))
                .GroupBy(x => x.pair).Select(group => (Pair: group.Key, Count: group.Sum(x => x.Count))).Where(x => x.Count >= 2).ToList();
            if (counts.Count == 0)
            {
                break;
            }

            var (best, _) = counts.OrderByDescending(x => x.Count).ThenBy(x => x.Pair.First).ThenBy(x => x.Pair.Second).First();
            merges.Add(best);
            foreach (var (ids, _) in words)
            {
                for (var i = 0; i + 1 < ids.Count; i++)
                {
                    if ((ids[i], ids[i + 1]) == best)
                    {
                        ids[i] = 255 + merges.Count;
                        ids.RemoveAt(i + 1);
                    }
                }
            }
        }

        return merges;
    }
}
