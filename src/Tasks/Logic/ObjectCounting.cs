using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>How many things of a kind someone has, among things of other kinds, after gifts and losses.</summary>
public sealed class ObjectCounting() : ArithmeticTask("object-counting", "How many things of one kind there are.", "entries of the list: level + 2; from 3 on some are given away or found", 8)
{
    private static readonly (string Kind, string Chinese, (string English, string Chinese)[] Things)[] kinds =
    [
        ("fruits", "水果", [("apples", "苹果"), ("bananas", "香蕉"), ("pears", "梨"), ("peaches", "桃子"), ("plums", "李子"), ("lemons", "柠檬")]),
        ("animals", "动物", [("cats", "猫"), ("dogs", "狗"), ("rabbits", "兔子"), ("ducks", "鸭子"), ("goats", "山羊"), ("horses", "马")]),
        ("tools", "工具", [("hammers", "锤子"), ("saws", "锯子"), ("drills", "电钻"), ("wrenches", "扳手"), ("axes", "斧头"), ("shovels", "铲子")]),
        ("instruments", "乐器", [("violins", "小提琴"), ("flutes", "长笛"), ("drums", "鼓"), ("pianos", "钢琴"), ("trumpets", "小号"), ("guitars", "吉他")]),
    ];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var asked = random.Below(kinds.Length);
        var entries = random.Draw(Enumerable.Range(0, 24), level + 2);
        entries[0] = (asked * 6) + (entries.Skip(1).Any(entry => entry == asked * 6) ? entries[0] % 6 : 0);
        entries = [.. random.Shuffled(entries.Distinct())];
        var isChinese = language == TaskLanguage.Chinese;
        string Name(int entry) => isChinese ? kinds[entry / 6].Things[entry % 6].Chinese : kinds[entry / 6].Things[entry % 6].English;
        var steps = Think(random, language);
        var (total, lines, deltas) = (0, new List<string>(), new List<int>());
        foreach (var entry in entries)
        {
            var (count, change) = (random.Range(2, 9), level >= 3 && random.OneIn(3) ? random.Range(-1, 3) : 0);
            var sign = change >= 0 ? "found" : "lost";
            lines.Add(isChinese
                ? $"有{count}个{Name(entry)}{(change == 0 ? "" : $"（又{(change > 0 ? "得到" : "丢了")}{Math.Abs(change)}个）")}"
                : $"{count} {Name(entry)}{(change == 0 ? "" : $" (then {sign} {Math.Abs(change)} more of them)".Replace("lost 1 more", "lost 1", StringComparison.Ordinal))}");
            deltas.AddRange([entry, count, change]);
            if (entry / 6 == asked)
            {
                steps.Say($"{Name(entry)}: {total} + {count}{(change == 0 ? "" : change > 0 ? $" + {change}" : $" - {-change}")} = {total + count + change}");
                total += count + change;
            }
        }

        var list = string.Join(isChinese ? "，" : ", ", lines);
        var question = Ask(
            random,
            language,
            ["I have {0}. How many {1} do I have?", "Someone owns {0}. How many {1} is that?", "In a house there are {0}. Count the {1}."],
            ["我{0}。一共有多少个{2}？", "屋里{0}。{2}共有几个？", "某人{0}。请数出{2}的总数。"],
            list,
            kinds[asked].Kind,
            kinds[asked].Chinese);
        return new TaskProblem(question, $"{total}", new JsonObject { ["kind"] = asked, ["entries"] = TaskJson.Array(deltas) }, entries.Length, steps.Say($"{total}").ToString());
    }
}
