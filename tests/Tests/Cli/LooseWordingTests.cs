using System.Text.RegularExpressions;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests.Cli;

public sealed class LooseWordingTests
{
    [Theory]
    [InlineData("What is 12 × 7?", "what is 12*7")]
    [InlineData("What is 12 × 7?", "What is 12 x 7?")]
    [InlineData("144 ÷ 12 = ?", "144/12=?")]
    [InlineData("What is 1/2 ÷ 3/4?", "What is 1/2÷3/4?")]
    [InlineData("Find x if 3x + 5 = 20.", "find x if 3x+5=20")]
    [InlineData("Sort these numbers: 9, 4, 7\nAnswer in \\boxed{}.", "Sort these numbers: 9 4 7\nAnswer in \\boxed{}.")]
    [InlineData("Complete the brackets so that all are closed in the right order. Answer with the missing closing brackets only: ([", "complete the brackets: ([")]
    [InlineData("How many r's are in \"berry\"?", "How many r's are in berry?")]
    public void Some_seed_gives_what_people_type(string question, string typed) =>
        Assert.Contains(typed, Enumerable.Range(0, 3000).Select(seed => LooseWording.Of(question, new TaskRandom((ulong)seed), TaskLanguage.English)));

    [Theory]
    [InlineData("“apple”中有几个字母 p？", "apple 中有几个字母 p")]
    [InlineData("从小到大排序：3, 1, 2", "请问从小到大排序：3、1、2")]
    public void So_it_is_in_Chinese(string question, string typed) =>
        Assert.Contains(typed, Enumerable.Range(0, 3000).Select(seed => LooseWording.Of(question, new TaskRandom((ulong)seed), TaskLanguage.Chinese)));

    [Fact]
    public void Numbers_letters_and_brackets_stay_as_they_are()
    {
        for (var seed = 0UL; seed < 1000; seed++)
        {
            var task = M1NanoData.Tasks[(int)(seed % (ulong)M1NanoData.Tasks.Count)];
            var language = (TaskLanguage)(seed / 14 % 2);
            var question = TaskCatalog.Get(task.Name).Sample(task.MaxLevel, seed, language).Question!;
            question = question[(question.StartsWith("Complete", StringComparison.Ordinal) ? question.IndexOf(':', StringComparison.Ordinal) : 0)..];
            Assert.Equal(Kept(question), Kept(LooseWording.Of(question, new TaskRandom(seed), language), question));
        }
    }

    /// <summary>What carries the meaning, without an opening that the original lacks.</summary>
    private static string Kept(string typed, string? original = null)
    {
        var kept = string.Concat(Regex.Replace(typed.ToLowerInvariant(), @"(?<=[\d)]) ?[*x] ?(?=[\d(])", "×").Where(static c => char.IsAsciiLetterOrDigit(c) || "()[]{}<>+-×=".Contains(c, StringComparison.Ordinal)));
        return original is null ? kept : kept[^Math.Min(kept.Length, Kept(original).Length)..];
    }
}
