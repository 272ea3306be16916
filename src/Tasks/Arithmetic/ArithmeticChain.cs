using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A chain of + − × ÷ with brackets; every intermediate value is a whole number.</summary>
public sealed class ArithmeticChain()
    : ArithmeticTask("arithmetic-chain", "The value of an expression of + − × ÷ and brackets.", "operations", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var node = Node.Make(random, level);
        var shown = node.ToString();
        var steps = Think(random, language).Say(shown);
        while (node.Sign != '#')
        {
            var (reduced, step) = node.Reduce();
            node = reduced;
            ColumnMethods.Apply(steps, step.ToString(), step.Sign, step.Left!.Value, step.Right!.Value);
            if (node.Sign != '#')
            {
                steps.Say($"= {node}");
            }
        }

        var question = Ask(
            random,
            language,
            ["What is {0}?", "Compute {0}.", "Evaluate the expression {0}.", "{0} = ?", "Find the value of {0}.", "What is {1}?", "{1} = ?"],
            ["{0} 等于多少？", "计算 {0}。", "求算式 {0} 的值。", "{0} = ?", "算一算：{0}", "{1} = ?"],
            shown,
            shown.Replace('×', '*').Replace('÷', '/'));
        return new TaskProblem(question, node.Value.ToString(CultureInfo.InvariantCulture), new JsonObject { ["expression"] = shown }, level, steps.ToString());
    }

    /// <summary>A number (sign #) or an operation.</summary>
    private sealed record Node(char Sign, long Value, Node? Left = null, Node? Right = null)
    {
        private const long Largest = 2000;

        public static Node Make(TaskRandom random, int operations)
        {
            if (operations == 0)
            {
                return new Node('#', random.Range(1, random.OneIn(3) ? 99 : 20));
            }

            while (true)
            {
                var leftOperations = random.Below(operations);
                var left = Make(random, leftOperations);
                var right = Make(random, operations - 1 - leftOperations);
                var sign = random.Pick(['+', '-', '+', '-', '×', '÷']);
                if (sign == '÷' && right.Sign == '#')
                {
                    var divisors = Enumerable.Range(2, 11).Where(d => left.Value % d == 0).ToArray();
                    right = divisors.Length == 0 ? right : new Node('#', random.Pick(divisors));
                }

                if (sign == '÷' && (right.Value == 0 || left.Value % right.Value != 0))
                {
                    continue;
                }

                var value = Apply(sign, left.Value, right.Value);
                if (Math.Abs(value) <= Largest && (sign != '×' || Math.Min(Math.Abs(left.Value), Math.Abs(right.Value)) <= 20))
                {
                    return new Node(sign, value, left, right);
                }
            }
        }

        /// <summary>Works out the first operation whose operands are numbers.</summary>
        public (Node Reduced, Node Step) Reduce()
        {
            if (Left!.Sign != '#')
            {
                var (reduced, step) = Left.Reduce();
                return (this with { Left = reduced }, step);
            }

            if (Right!.Sign != '#')
            {
                var (reduced, step) = Right.Reduce();
                return (this with { Right = reduced }, step);
            }

            return (new Node('#', Value), this);
        }

        public override string ToString() => Sign == '#'
            ? Value.ToString(CultureInfo.InvariantCulture)
            : $"{Inner(Left!, isRight: false)} {Sign} {Inner(Right!, isRight: true)}";

        private static int Precedence(char sign) => sign switch { '#' => 3, '×' or '÷' => 2, _ => 1 };

        private static long Apply(char sign, long a, long b) => sign switch { '+' => a + b, '-' => a - b, '×' => a * b, _ => a / b };

        private string Inner(Node node, bool isRight)
        {
            var (inner, outer) = (Precedence(node.Sign), Precedence(Sign));
            var needsBrackets = node.Sign == '#' ? node.Value < 0 : inner < outer || (isRight && inner == outer);
            return needsBrackets ? $"({node})" : node.ToString();
        }
    }
}
