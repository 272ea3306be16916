using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Boolean expressions: the value of one, or which of several are true.</summary>
public sealed class BooleanExpressions()
    : ArithmeticTask("boolean-expressions", "The value of a boolean expression, or which of several are true.", "operations of an expression; from 3 on also the number of expressions", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var count = level < 3 ? 1 : level;
        var expressions = Enumerable.Range(0, count).Select(_ => Node.Make(random, level + 1)).ToArray();
        var steps = Think(random, language);
        for (var i = 0; i < count; i++)
        {
            steps.Say($"{(count > 1 ? $"{(char)('A' + i)}: " : "")}{expressions[i]}");
            for (var node = expressions[i]; node.Sign != "";)
            {
                node = node.Reduce();
                steps.Say($"= {node}");
            }
        }

        var data = new JsonObject { ["expressions"] = TaskJson.Array(expressions.Select(expression => expression.ToString())) };
        var size = count * (level + 1);
        if (count == 1)
        {
            var one = Ask(random, language, ["What is the value of {0}? Answer True or False.", "Evaluate: {0} (True or False)", "Is this true or false: {0} ?"], ["{0} 的值是什么？回答 True 或 False。", "求布尔表达式 {0} 的值（True 或 False）。", "判断 {0} 的真假，回答 True 或 False。"], expressions[0]);
            return new TaskProblem(one, expressions[0].Value ? "True" : "False", data, size, steps.ToString());
        }

        var listed = string.Join('\n', expressions.Select((expression, i) => $"{(char)('A' + i)}: {expression}"));
        var letters = expressions.Index().Where(static one => one.Item.Value).Select(static one => (char)('A' + one.Index));
        var gold = letters.Any() ? string.Join(", ", letters) : "none";
        steps.Say($"{string.Join(", ", expressions.Select(static (expression, i) => $"{(char)('A' + i)} {expression.Value}"))}: {gold}");
        var question = Ask(
            random,
            language,
            ["Which of these expressions are true? Answer with their letters, or none.\n{0}", "Give the letters of all true expressions (none if there is none):\n{0}"],
            ["下列表达式中哪些为真？回答字母；如果没有，回答 none。\n{0}", "写出所有值为真的表达式的字母（没有则写 none）：\n{0}"],
            listed);
        return new TaskProblem(question, gold, data, size, steps.ToString());
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var isOne = data.Texts("expressions").Length == 1;
        var given = AnswerTokens.Words(answer.Replace("\\text", "", StringComparison.Ordinal));
        if (isOne || gold == "none")
        {
            return given.Length == 1 && given[0].Equals(gold, StringComparison.OrdinalIgnoreCase) ? null : "another value";
        }

        var letters = given.Length == 1 ? given[0].Select(letter => letter.ToString()) : given;
        return letters.Order(StringComparer.Ordinal).SequenceEqual(AnswerTokens.Words(gold)) ? null : "other expressions are true";
    }

    /// <summary>A constant (sign empty), "not", "and" or "or".</summary>
    private sealed record Node(string Sign, bool Value, Node? Left = null, Node? Right = null)
    {
        public static Node Make(TaskRandom random, int operations)
        {
            if (operations == 0)
            {
                return new Node("", random.OneIn(2));
            }

            if (random.OneIn(4))
            {
                var operand = Make(random, operations - 1);
                return new Node("not", !operand.Value, operand);
            }

            var left = Make(random, random.Below(operations));
            var right = Make(random, operations - 1 - left.Operations);
            return random.OneIn(2) ? new Node("and", left.Value && right.Value, left, right) : new Node("or", left.Value || right.Value, left, right);
        }

        private int Operations => Sign.Length == 0 ? 0 : 1 + Left!.Operations + (Right?.Operations ?? 0);

        /// <summary>Replaces the first operation on constants by its value.</summary>
        public Node Reduce() =>
            Left!.Sign.Length > 0 ? this with { Left = Left.Reduce() } : Right is { Sign.Length: > 0 } ? this with { Right = Right.Reduce() } : new Node("", Value);

        public override string ToString() => Sign switch
        {
            "" => Value ? "True" : "False",
            "not" => $"not {Inner(Left!)}",
            _ => $"{Inner(Left!)} {Sign} {Inner(Right!)}",
        };

        private static string Inner(Node node) => node.Sign is "and" or "or" ? $"({node})" : node.ToString();
    }
}
