using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>How often a letter occurs in a word or a run of letters.</summary>
public sealed class LetterCounting() : ArithmeticTask("letter-counting", "How often a letter occurs.", "1 to 3: one word, longer with the level; from 4 on runs of 6·level letters", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var text = level <= 3 ? random.Pick(WordList.OfLength(3 + level, 4 + (2 * level))) : Letters(random, 6 * level);
        var letter = random.OneIn(6) ? (char)('a' + random.Below(26)) : text[random.Below(text.Length)];
        var count = text.Count(c => c == letter);
        var steps = Think(random, language);
        var seen = 0;
        steps.Say(string.Join(' ', text.ToCharArray()));
        steps.Say($"{letter}: {string.Join(' ', text.Select(c => c == letter ? $"{c}({++seen})" : c.ToString()))}");
        steps.Check($"{letter} stands {count} times.", $"{letter} 出现 {count} 次。");
        var question = Ask(
            random,
            language,
            ["How many times does the letter {1} occur in \"{0}\"?", "How many {1}'s are in \"{0}\"?", "Count the letter {1} in \"{0}\".", "How many {1}'s are there in {0}?", "How often does {1} appear in {0}?", "How many times does the letter {1} appear in \"{0}\"?"],
            ["“{0}”中有几个字母 {1}？", "字母 {1} 在“{0}”里出现了多少次？", "数一数“{0}”中 {1} 的个数。", "{0} 里有几个 {1}？", "{0} 中有多少个字母 {1}？"],
            text,
            letter);
        return new TaskProblem(question, count.ToString(CultureInfo.InvariantCulture), new JsonObject { ["text"] = text, ["letter"] = letter.ToString() }, text.Length, steps.ToString());
    }

    private static string Letters(TaskRandom random, int count)
    {
        var few = random.Draw("abcdefghijklmnopqrstuvwxyz", 6);
        return string.Concat(Enumerable.Range(0, count).Select(_ => random.Pick(few)));
    }
}
