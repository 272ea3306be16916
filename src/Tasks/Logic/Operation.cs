using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>New operations are defined by formulas; the value of an expression with them.</summary>
public sealed class Operation() : ArithmeticTask("operation", "The value of an expression with newly defined operations.", "operations in the expression; from 3 on two are defined, from 5 on three", 6)
{
    private static readonly string[] signs = ["△", "◎", "☆"];

    private sealed record Rule(int A, int B, int Product, int Constant)
    {
        public long Of(long a, long b) => (A * a) + (B * b) + (Product * a * b) + Constant;

        public string Formula(string a, string b)
        {
            var terms = new List<string> { A == 1 ? a : $"{A} × {a}" };
            terms.Add(B < 0 ? $"- {-B} × {b}" : $"+ {B} × {b}");
            if (Product != 0)
            {
                terms.Add($"+ {a} × {b}");
            }

            if (Constant != 0)
            {
                terms.Add(Constant < 0 ? $"- {-Constant}" : $"+ {Constant}");
            }

            return string.Join(' ', terms);
        }
    }

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var rules = Enumerable.Range(0, level switch { < 3 => 1, < 5 => 2, _ => 3 })
            .Select(_ => new Rule(random.Range(1, 4), random.Pick([-3, -2, -1, 2, 3]), random.OneIn(3) ? 1 : 0, random.Range(-3, 3)))
            .ToArray();
        var steps = Think(random, language);
        var value = (long)random.Range(1, 6);
        var text = $"{value}";
        for (var i = 0; i < level; i++)
        {
            var sign = i < rules.Length ? i : random.Below(rules.Length);
            var other = random.Range(1, 6);
            var isRight = random.OneIn(2);
            var (a, b) = isRight ? (value, (long)other) : (other, value);
            var inner = i == 0 ? text : $"({text})";
            text = isRight ? $"{inner} {signs[sign]} {other}" : $"{other} {signs[sign]} {inner}";
            value = rules[sign].Of(a, b);
            steps.Compute($"{Show(a)} {signs[sign]} {Show(b)} = {rules[sign].Formula(Show(a), Show(b))}", value);
        }

        var defined = string.Join("; ", rules.Select((rule, i) => $"a {signs[i]} b = {rule.Formula("a", "b")}"));
        var question = Ask(
            random,
            language,
            ["Define {0}. What is {1}?", "New operations are defined: {0}. Compute {1}.", "Let {0}. Find the value of {1}."],
            ["定义 {0}。求 {1} 的值。", "规定新运算：{0}。计算 {1}。", "设 {0}，那么 {1} 等于多少？"],
            defined,
            text);
        return new TaskProblem(question, $"{value}", new JsonObject { ["rules"] = defined, ["expression"] = text }, level, steps.ToString());
    }

    private static string Show(long value) => value < 0 ? $"({value})" : $"{value}";
}
