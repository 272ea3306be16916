using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>The closing brackets that a sequence still needs (a Dyck word): short for small models, long with four kinds as a logic task.</summary>
public sealed class BracketCompletion : ArithmeticTask
{
    private readonly int kinds;
    private readonly int pairsPerLevel;

    private BracketCompletion(string name, int kinds, int pairsPerLevel, string description, int maxLevel)
        : base(name, description, $"pairs of brackets: about {pairsPerLevel}·level + 1", maxLevel)
    {
        this.kinds = kinds;
        this.pairsPerLevel = pairsPerLevel;
    }

    /// <summary>Short sequences, and the long ones of the Dyck language.</summary>
    public static IEnumerable<ReasoningTask> All =>
    [
        new BracketCompletion("bracket-completion", 3, 2, "The closing brackets that a short sequence needs.", 6),
        new BracketCompletion("dyck-language", 4, 5, "The closing brackets that a long sequence of four kinds needs.", 8),
    ];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var word = DyckWord.Random(random, (pairsPerLevel * level) + random.Range(1, 2), kinds);
        var cut = word.Length - 1;
        while (DyckWord.Open(word[..cut])!.Length < 1 + (level / 2) && cut > word.Length / 2)
        {
            cut--;
        }

        // One sign before the end of the word something is always open.
        var shown = DyckWord.Open(word[..cut])!.Length > 0 ? word[..cut] : word[..^1];
        var gold = DyckWord.Closing(shown);
        var steps = Think(random, language);
        for (var i = 1; i <= shown.Length; i++)
        {
            steps.Say($"{shown[i - 1]} : {DyckWord.Open(shown[..i])}");
        }

        steps.Say($"→ {gold}");
        var question = Ask(
            random,
            language,
            ["Complete the brackets so that all are closed in the right order. Answer with the missing closing brackets only: {0}", "Which closing brackets are missing at the end of {0} ?", "The sequence {0} is not finished. Give the brackets that close it."],
            ["补全括号，使所有括号按正确顺序闭合，只写缺少的右括号：{0}", "{0} 末尾还缺哪些右括号？", "括号序列 {0} 没有结束，请写出需要补上的括号。"],
            shown);
        if (kinds > 3)
        {
            question += language == TaskLanguage.Chinese ? " 答案中的 } 写成 \\}。" : " Write } as \\} in the answer.";
        }

        return new TaskProblem(question, gold.Replace("}", "\\}", StringComparison.Ordinal), new JsonObject { ["shown"] = shown }, shown.Length, steps.ToString());
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        // LaTeX writes braces with a backslash, and a whole completed sequence is an answer too.
        var given = string.Concat(answer.Where(c => "()[]{}<>⟨⟩".Contains(c, StringComparison.Ordinal)));
        var isClean = answer.All(c => "()[]{}<>\\$ ,".Contains(c, StringComparison.Ordinal));
        var shown = data.Text("shown");
        var closing = DyckWord.Closing(shown);
        return isClean && (given == closing || given == shown + closing) ? null : "these brackets do not close the sequence";
    }
}
