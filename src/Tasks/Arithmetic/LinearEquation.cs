using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A linear equation in one unknown with a whole solution: x + b = c, ax + b = c, ax + b = cx + d, a(x + b) = c.</summary>
public sealed class LinearEquation()
    : ArithmeticTask("linear-equation", "The unknown of a linear equation.", "1: x + b = c; 2: ax + b = c; 3: ax + b = cx + d; 4: a(x + b) = cx + d; 5 and 6: larger numbers", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var name = random.Pick(["x", "y", "n", "t"]);
        var largest = level switch { 5 => 30, 6 => 99, _ => 12 };
        var x = random.Range(-largest, largest);
        var a = level == 1 ? 1 : random.Range(2, largest);
        var c = level < 3 ? 0 : random.Range(1, a - 1);
        var b = (long)random.Range(1, largest * 2) * (random.OneIn(2) ? 1 : -1);
        var hasBracket = level >= 4;
        var constant = hasBracket ? a * b : b;
        var d = ((long)(a - c) * x) + constant;
        var left = hasBracket ? $"{a}({name} {Signed(b)})" : $"{Term(a, name)} {Signed(b)}";
        var equation = c == 0 ? $"{left} = {d}" : $"{left} = {Term(c, name)}{(d == 0 ? "" : $" {Signed(d)}")}";
        var steps = Think(random, language).Say(equation);
        if (hasBracket)
        {
            ColumnMethods.Apply(steps, $"{a} × {(b < 0 ? $"({b})" : b)}", '×', a, b);
            steps.Say($"{Term(a, name)} {Signed(constant)} = {Term(c, name)}{(d == 0 ? "" : $" {Signed(d)}")}");
        }

        if (c > 0)
        {
            steps.Compute($"{a} - {c}", a - c).Say($"{Term(a - c, name)} {Signed(constant)} = {d}");
        }

        ColumnMethods.Apply(steps, $"{d} {Signed(-constant)}", constant < 0 ? '+' : '-', d, Math.Abs(constant));
        steps.Say($"{Term(a - c, name)} = {d - constant}");
        if (a - c > 1)
        {
            ColumnMethods.Apply(steps, $"{d - constant} ÷ {a - c}", '÷', d - constant, a - c);
            steps.Say($"{name} = {x}");
        }

        var value = (hasBracket ? a * (x + b) : (a * x) + b).ToString(CultureInfo.InvariantCulture);
        steps.Check($"with {name} = {x} both sides are {value}, right.", $"代入 {name} = {x}，两边都等于 {value}，正确。");
        var question = Ask(
            random,
            language,
            ["Solve {0} for {1}.", "Find {1} if {0}.", "What is {1} when {0}?", "Solve the equation {0}.", "Solve {0}.", "{0}, what is {1}?"],
            ["解方程 {0}。", "已知 {0}，求 {1}。", "若 {0}，{1} 等于多少？", "求方程 {0} 的解。", "{0}，{1} = ?", "解 {0}。"],
            equation,
            name);
        return new TaskProblem(question, x.ToString(CultureInfo.InvariantCulture), new JsonObject { ["equation"] = equation }, level, steps.ToString());
    }

    private static string Term(long factor, string name) => factor == 1 ? name : $"{factor}{name}";

    private static string Signed(long value) => value < 0 ? $"- {-value}" : $"+ {value}";
}
