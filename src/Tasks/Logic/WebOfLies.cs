using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>People say of each other who lies; a known one starts the chain. Who tells the truth?</summary>
public sealed class WebOfLies() : ArithmeticTask("web-of-lies", "Who tells the truth and who lies.", "people: level + 2", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var isChinese = language == TaskLanguage.Chinese;
        var people = level + 2;
        var names = random.Fork(language.Code()).Draw(isChinese ? WordList.ChineseNames : WordList.Names, people);
        var honest = Enumerable.Range(0, people).Select(_ => random.OneIn(2)).ToArray();
        string Claim(bool tells) => isChinese ? tells ? "说真话" : "说谎" : tells ? "tells the truth" : "lies";
        var statements = new List<string>();
        var steps = Think(random, language);
        steps.Say($"{names[0]}: {Claim(honest[0])}");
        for (var i = 1; i < people; i++)
        {
            var claimed = honest[i] == honest[i - 1];
            statements.Add(isChinese ? $"{names[i]}说{names[i - 1]}{Claim(claimed)}。" : $"{names[i]} says that {names[i - 1]} {Claim(claimed)}.");
            var holds = claimed == honest[i - 1];
            steps.Say($"{statements[^1]} {(holds ? "Right" : "Wrong")}, so {names[i]} {Claim(holds)}.", $"{statements[^1]}这{(holds ? "对" : "不对")}，所以{names[i]}{Claim(holds)}。");
        }

        statements.Insert(random.Below(statements.Count + 1), isChinese ? $"{names[0]}{Claim(honest[0])}。" : $"{names[0]} {Claim(honest[0])}.");
        var shown = level < 4 ? string.Concat(statements.Select(line => isChinese ? line : line + " ")) : string.Concat(random.Shuffled(statements).Select(line => isChinese ? line : line + " "));
        var asked = random.Draw(Enumerable.Range(0, people), Math.Min(3, level));
        var gold = string.Join(", ", asked.Select(i => honest[i] ? "yes" : "no"));
        foreach (var i in asked)
        {
            steps.Say($"{names[i]} {Claim(honest[i])}: {(honest[i] ? "yes" : "no")}", $"{names[i]}{Claim(honest[i])}：{(honest[i] ? "yes" : "no")}");
        }

        steps.Say(gold);
        var list = string.Join(isChinese ? "、" : ", ", asked.Select(i => names[i]));
        var question = Ask(
            random,
            language,
            ["Everyone either always tells the truth or always lies. {0}Do these people tell the truth: {1}? Answer yes or no for each, in this order.", "Each person here always lies or always tells the truth. {0}For {1}, in this order: does the person tell the truth (yes or no)?"],
            ["每个人要么总说真话，要么总说谎。{0}请依次判断这些人是否说真话：{1}。用 yes 或 no 回答，按顺序用逗号分开。", "这里的人不是总说真话就是总说谎。{0}依次回答 {1} 是否说真话（yes 或 no）。"],
            shown,
            list);
        // The names are wording, so what tells problems apart is who is honest and who is asked.
        var data = new JsonObject { ["honest"] = TaskJson.Array(honest.Select(tells => tells ? 1 : 0)), ["asked"] = TaskJson.Array(asked) };
        return new TaskProblem(question, gold, data, people, steps.ToString());
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var honest = data.Ints("honest");
        var wanted = data.Ints("asked").Select(i => honest[i] == 1 ? "yes" : "no");
        var given = AnswerTokens.Words(answer.Replace("\\text", "", StringComparison.Ordinal)).Select(word => word.ToLowerInvariant());
        return given.SequenceEqual(wanted) ? null : "another verdict on someone";
    }
}
