using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>One operation on two integers: sum, difference, product or quotient without remainder.</summary>
public sealed class IntegerArithmetic : ArithmeticTask
{
    private readonly char sign;

    private IntegerArithmetic(string name, char sign, string description, string levelMeaning, int maxLevel)
        : base(name, description, levelMeaning, maxLevel) => this.sign = sign;

    /// <summary>The four tasks.</summary>
    public static IEnumerable<ReasoningTask> All =>
    [
        new IntegerArithmetic("addition", '+', "The sum of two whole numbers.", "most digits of a number", 12),
        new IntegerArithmetic("subtraction", '-', "The difference of two whole numbers; it may be negative.", "most digits of a number", 12),
        new IntegerArithmetic("multiplication", '×', "The product of two whole numbers.", "digits of both numbers together, less one", 9),
        new IntegerArithmetic("division", '÷', "The quotient of two whole numbers, without remainder.", "digits of divisor and quotient together, less one", 9),
    ];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (a, b) = Operands(random, level);
        var steps = Think(random, language);
        var value = sign switch
        {
            '+' => ColumnMethods.Add(steps, a, b),
            '-' => ColumnMethods.Subtract(steps, a, b),
            '×' => ColumnMethods.Multiply(steps, a, b),
            _ => ColumnMethods.Divide(steps, a, b),
        };
        AddCheck(steps, a, b, value);
        var data = new JsonObject { ["a"] = a, ["b"] = b };
        return new TaskProblem(Question(random, language, a, b), value.ToString(CultureInfo.InvariantCulture), data, level, steps.ToString());
    }

    private (long A, long B) Operands(TaskRandom random, int level)
    {
        if (sign is '+' or '-')
        {
            var (a, b) = (random.WithDigits(level), random.WithDigits(random.Range((level + 1) / 2, level)));
            return random.OneIn(2) ? (a, b) : (b, a);
        }

        var (x, y) = (random.WithDigits((level + 2) / 2), random.WithDigits((level + 1) / 2));
        return sign == '×' ? (x, y) : (x * y, y);
    }

    private void AddCheck(Derivation steps, long a, long b, long value)
    {
        switch (sign)
        {
            case '+':
                steps.Check($"{value} - {b} = {a}, right.", $"{value} - {b} = {a}，正确。");
                break;
            case '-':
                steps.Check($"{value} + {b} = {a}, right.", $"{value} + {b} = {a}，正确。");
                break;
            case '×':
                var last = a % 10 * (b % 10) % 10;
                steps.Check($"the last digit of {a % 10} × {b % 10} is {last}, right.", $"{a % 10} × {b % 10} 的末位是 {last}，正确。");
                break;
            default:
                steps.Check($"{b} × {value} = {a}, right.", $"{b} × {value} = {a}，正确。");
                break;
        }
    }

    private string Question(TaskRandom random, TaskLanguage language, long a, long b)
    {
        string[] english = ["What is {0} {1} {2}?", "Compute {0} {1} {2}.", "Calculate {0} {1} {2}.", "{0} {1} {2} = ?", "How much is {0} {1} {2}?"];
        string[] chinese = ["{0} {1} {2} 等于多少？", "计算 {0} {1} {2}。", "请计算：{0} {1} {2}", "{0} {1} {2} = ?", "求 {0} {1} {2} 的值。"];
        (string[] moreEnglish, string[] moreChinese) = sign switch
        {
            '+' => (["Add {0} and {2}.", "What is the sum of {0} and {2}?", "What is {0} plus {2}?"], ["{0} 加 {2} 等于几？", "{0} 与 {2} 的和是多少？", "{0}加{2}是多少？"]),
            '-' => (["Subtract {2} from {0}.", "What is {0} minus {2}?", "Take {2} away from {0}."], ["{0} 减 {2} 等于几？", "{0} 与 {2} 的差是多少？", "{0}减{2}是多少？"]),
            '×' => (["Multiply {0} by {2}.", "What is the product of {0} and {2}?", "What is {0} times {2}?", "What is {0} * {2}?"], ["{0} 乘以 {2} 等于几？", "{0} 与 {2} 的积是多少？", "{0}乘{2}是多少？"]),
            _ => (new[] { "Divide {0} by {2}.", "How many times does {2} go into {0}?", "What is {0} divided by {2}?", "What is {0} / {2}?" }, new[] { "{0} 除以 {2} 等于几？", "{0} 与 {2} 的商是多少？", "{0}除以{2}是多少？" }),
        };
        return Ask(random, language, [.. english, .. moreEnglish], [.. chinese, .. moreChinese], a, sign, b);
    }
}
