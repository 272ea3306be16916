using System.Text.RegularExpressions;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>Questions as people type them: signs without spaces, <c>*</c> for <c>×</c>, no full stop, no quotation marks, no capital letter. The meaning stays.</summary>
internal static partial class LooseWording
{
    private static readonly string[] openings = ["Quick question: ", "Tell me: ", "Hi! ", "Please help. "];
    private static readonly string[] chineseOpenings = ["请问", "请问：", "你好，", "帮我看看："];

    /// <summary>A prompt whose first line, the question, has some of its signs, spaces and marks as in a hurry; each change is made or not by chance.</summary>
    public static string Of(string prompt, TaskRandom random, TaskLanguage language)
    {
        var end = prompt.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? Question(prompt, random, language) : Question(prompt[..end], random, language) + prompt[end..];
    }

    private static string Question(string question, TaskRandom random, TaskLanguage language)
    {
        var isChinese = language == TaskLanguage.Chinese;
        if (random.OneIn(2))
        {
            question = Instruction().Replace(question, "$1$2");
        }

        if (random.OneIn(2))
        {
            question = TimesSign().Replace(question, random.Pick([" * ", " * ", " x "]));
            question = question.Contains('/', StringComparison.Ordinal) ? question : DivisionSign().Replace(question, " / ");
        }

        if (random.OneIn(2))
        {
            question = SpacedSign().Replace(question, "$1$2");
        }

        if (random.OneIn(2))
        {
            question = ListComma().Replace(question, random.Pick([" ", ",", isChinese ? "、" : ", "]));
        }

        if (random.OneIn(2))
        {
            question = Quotes().Replace(question, isChinese ? " $1 " : "$1").Trim();
        }

        if (random.OneIn(2) && !question.EndsWith(" ?", StringComparison.Ordinal) && !question.EndsWith("=?", StringComparison.Ordinal))
        {
            question = question.TrimEnd('.', '?', '。', '？');
        }

        if (random.OneIn(6))
        {
            return random.Pick(isChinese ? chineseOpenings : openings) + question;
        }

        return random.OneIn(2) && FirstWord().IsMatch(question) ? char.ToLowerInvariant(question[0]) + question[1..] : question;
    }

    [GeneratedRegex("^(?:(Complete the brackets) so that .* only|(补全括号)，.*)(?=[:：])")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"(?<=[\d)]) × (?=[\d(])")]
    private static partial Regex TimesSign();

    [GeneratedRegex(@"(?<=[\d)]) ÷ (?=[\d(])")]
    private static partial Regex DivisionSign();

    [GeneratedRegex(@"(?<=[a-z\d)]) ([+×÷*/=-]) (?=[a-z\d(?])|(?<=[\d)]) (x) (?=[\d(])")]
    private static partial Regex SpacedSign();

    [GeneratedRegex(@"(?<=\d), (?=-?\d)")]
    private static partial Regex ListComma();

    [GeneratedRegex("^(What|Which|How|Compute|Calculate|Evaluate|Find|Solve|Sort|Put|Arrange|Add|Subtract|Take|Multiply|Divide|Simplify|Write|Reduce|Count|Make|Use|Give|Is|Complete) ")]
    private static partial Regex FirstWord();

    [GeneratedRegex("[\"“]([a-z]+)[\"”]")]
    private static partial Regex Quotes();
}
