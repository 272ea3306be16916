using System.Globalization;
using System.Text.RegularExpressions;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests.Tasks;

public sealed class SmallTalkTests
{
    [Fact]
    public void The_same_seed_gives_the_same_words_and_every_kind_has_both_languages()
    {
        foreach (var kind in Enum.GetValues<TalkKind>())
        {
            foreach (var language in Enum.GetValues<TaskLanguage>())
            {
                var talk = SmallTalk.Sample(kind, 5, language);
                Assert.Equal(talk, SmallTalk.Sample(kind, 5, language));
                Assert.Equal(language == TaskLanguage.Chinese, talk.Answer.Any(static sign => sign >= '一'));
                Assert.Null(FinalAnswer.Extract(talk.Answer));
                Assert.True(Enumerable.Range(0, 50).Select(i => SmallTalk.Sample(kind, (ulong)i, language).Question).Distinct().Count() > 5);
            }
        }
    }

    [Fact]
    public void Questions_outside_of_what_is_known_lie_in_three_parts_and_their_answers_say_so()
    {
        var talks = Enumerable.Range(0, 400).Select(static i => SmallTalk.Sample(TalkKind.Outside, (ulong)i, (TaskLanguage)(i % 2))).ToArray();
        Assert.All(talks, static talk => Assert.True(SmallTalk.SaysUnknown($"<think>\n{talk.Reasoning}\n</think>\n\n{talk.Answer}")));
        Assert.All(talks.GroupBy(static talk => talk.Question), static same => Assert.Single(same.Select(static talk => talk.Split).Distinct()));
        Assert.InRange(talks.Count(static talk => talk.Split == TaskSplit.Sft) / 400.0, 0.5, 0.7);
        Assert.InRange(talks.Count(static talk => talk.Split == TaskSplit.Evaluation) / 400.0, 0.04, 0.17);
    }

    [Fact]
    public void Longer_numbers_than_learnt_are_declined_with_their_count_of_digits()
    {
        var talks = Enumerable.Range(0, 200).Select(static i => SmallTalk.Sample(TalkKind.TooLong, (ulong)i, (TaskLanguage)(i % 2))).ToArray();
        Assert.All(talks, static talk =>
        {
            Assert.True(SmallTalk.SaysUnknown($"<think>\n{talk.Reasoning}\n</think>\n\n{talk.Answer}"));
            var counts = Regex.Matches(talk.Reasoning, "[0-9]+").Select(static match => match.Value).ToArray();
            Assert.Contains(counts[0], talk.Question, StringComparison.Ordinal);
            Assert.Equal(counts[0].Length, int.Parse(counts[1], CultureInfo.InvariantCulture));
            Assert.InRange(int.Parse(counts[2], CultureInfo.InvariantCulture), 2, counts[0].Length - 1);
        });
    }

    [Fact]
    public void Divisions_that_leave_something_over_end_with_quotient_and_remainder()
    {
        var talks = Enumerable.Range(0, 200).Select(static i => SmallTalk.Sample(TalkKind.Uneven, (ulong)i, (TaskLanguage)(i % 2))).ToArray();
        Assert.All(talks, static talk =>
        {
            var numbers = Regex.Matches(talk.Answer, "[0-9]+").Select(static match => long.Parse(match.Value, CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(numbers[0], (numbers[1] * numbers[2]) + numbers[3]);
            Assert.InRange(numbers[3], 1, numbers[1] - 1);
            Assert.Contains($"{numbers[0]} ÷ {numbers[1]} = {numbers[2]}", talk.Reasoning, StringComparison.Ordinal);
            Assert.Superset(Regex.Matches(talk.Question, "[0-9]+").Select(static match => long.Parse(match.Value, CultureInfo.InvariantCulture)).ToHashSet(), numbers[..2].ToHashSet());
        });
    }

    [Theory]
    [InlineData("\\boxed{42}", false)]
    [InlineData("I don't know, but perhaps \\boxed{42}", false)]
    [InlineData("<think>\nI don't know.\n</think>\n\nParis.", false)]
    [InlineData("<think>\nHm.\n</think>\n\nSorry, I don't know.", true)]
    [InlineData("这个我不知道。", true)]
    public void Only_an_answer_that_admits_it_counts_as_unknown(string reply, bool admits) => Assert.Equal(admits, SmallTalk.SaysUnknown(reply));
}
