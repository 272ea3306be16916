using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// The sum of three positive numbers, asked as <c>a+b+c=</c>: short enough to be answered at once, and much easier with the two written additions.
/// </summary>
public sealed class SumOfThree() : ArithmeticTask("sum-of-three", "The sum of three whole numbers, asked in one short form.", "digits of each number", 6)
{
    /// <inheritdoc/>
    protected override bool AsksForBox => false;

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (a, b, c) = (random.WithDigits(level), random.WithDigits(level), random.WithDigits(level));
        var steps = Think(random, language);
        var value = ColumnMethods.Add(steps, ColumnMethods.Add(steps, a, b), c);
        var data = new JsonObject { ["a"] = a, ["b"] = b, ["c"] = c };
        return new TaskProblem($"{a}+{b}+{c}=", value.ToString(CultureInfo.InvariantCulture), data, level, steps.ToString());
    }
}
