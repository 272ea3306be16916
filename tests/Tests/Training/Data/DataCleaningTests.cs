using MiniMaxSharp.Training;

namespace MiniMaxSharp.Tests;

public sealed class DataCleaningTests
{
    private const string Question = "A train leaves the station at nine in the morning and travels at eighty kilometres per hour towards the coast.";

    [Theory]
    [InlineData("Before. " + Question + " After.", true)]
    [InlineData("a TRAIN leaves the station, at nine in the morning -- and travels at eighty kilometres!", true)]
    [InlineData("A train leaves the harbour at nine in the evening and sails at eighty knots towards the island.", false)]
    [InlineData("小明有三个苹果，又买了五个苹果，现在一共有多少个苹果？答案是八。", true)]
    [InlineData("小红有三个梨，又买了五个梨。", false)]
    public void A_shared_run_of_words_is_contamination(string text, bool expected)
    {
        var tests = new Decontamination();
        Assert.True(tests.AddTest(Question));
        Assert.True(tests.AddTest("小明有三个苹果，又买了五个苹果，现在一共有多少个苹果？"));
        Assert.False(tests.AddTest("What is it?"));
        Assert.Equal(expected, tests.IsContaminated(text));
    }

    [Fact]
    public void A_short_test_text_is_found_whole()
    {
        var tests = new Decontamination();
        Assert.True(tests.AddTest("What is 17 times 23 plus 4?"));
        Assert.True(tests.IsContaminated("Please say: what is 17 times 23, plus 4"));
        Assert.False(tests.IsContaminated("What is 17 times 23 plus 5?"));
    }

    [Fact]
    public void Duplicates_are_found_exactly_and_nearly()
    {
        var seen = new Deduplication();
        var text = string.Join(' ', Enumerable.Range(0, 200).Select(i => $"word{i * 7919 % 1000}"));
        Assert.Equal(Deduplication.Finding.New, seen.Add(text));
        Assert.Equal(Deduplication.Finding.Exact, seen.Add(text.ToUpperInvariant().Replace(" ", ", ", StringComparison.Ordinal)));
        Assert.Equal(Deduplication.Finding.Near, seen.Add(text.Replace("word919", "other", StringComparison.Ordinal)));
        Assert.Equal(Deduplication.Finding.New, seen.Add(string.Join(' ', text.Split(' ').Reverse())));
        Assert.Equal(Deduplication.Finding.New, new Deduplication(threshold: 2).Add(text));
    }

    [Fact]
    public void The_threshold_separates_texts_by_their_similarity()
    {
        // Texts of 300 words of which the first part is common: Jaccard similarity about share / (2 − share).
        var (near, far) = (0, 0);
        for (var trial = 0; trial < 40; trial++)
        {
            near += IsNear(trial, common: 290) ? 1 : 0;
            far += IsNear(trial, common: 200) ? 1 : 0;
        }

        Assert.True(near >= 38, $"{near} of 40 pairs with similarity 0.9 were found");
        Assert.True(far <= 1, $"{far} of 40 pairs with similarity 0.5 were taken for duplicates");
    }

    private static bool IsNear(int trial, int common)
    {
        string Text(int variant) => string.Join(' ', Enumerable.Range(0, 300).Select(i => i < common ? $"w{trial}x{i}" : $"v{variant}x{trial}x{i}"));
        var seen = new Deduplication();
        seen.Add(Text(1));
        return seen.Add(Text(2)) == Deduplication.Finding.Near;
    }
}
