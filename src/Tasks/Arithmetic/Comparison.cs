using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>The larger or smaller of two numbers: integers, decimals of different length, negatives.</summary>
public sealed class Comparison()
    : ArithmeticTask("comparison", "The larger or the smaller of two numbers.", "digits; from 3 on also decimals and negative numbers", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (a, b) = Pair(random, level);
        var wantsLarger = random.OneIn(2);
        var isFirst = decimal.Parse(a, CultureInfo.InvariantCulture) > decimal.Parse(b, CultureInfo.InvariantCulture) == wantsLarger;
        var gold = isFirst ? a : b;
        var question = wantsLarger
            ? Ask(random, language, ["Which is larger, {0} or {1}?", "Which number is greater: {0} or {1}?", "Give the maximum of {0} and {1}.", "Which is bigger: {0} or {1}?", "What is larger, {0} or {1}?", "Which of {0} and {1} is larger?"], ["{0} 和 {1} 哪个更大？", "比较 {0} 与 {1}，较大的是哪个？", "求 {0} 和 {1} 中的最大值。", "{0} 和 {1} 哪个大？", "{0} 与 {1} 谁更大？"], a, b)
            : Ask(random, language, ["Which is smaller, {0} or {1}?", "Which number is less: {0} or {1}?", "Give the minimum of {0} and {1}.", "Which is smaller: {0} or {1}?", "What is smaller, {0} or {1}?", "Which of {0} and {1} is smaller?"], ["{0} 和 {1} 哪个更小？", "比较 {0} 与 {1}，较小的是哪个？", "求 {0} 和 {1} 中的最小值。", "{0} 和 {1} 哪个小？", "{0} 与 {1} 谁更小？"], a, b);
        var data = new JsonObject { ["a"] = a, ["b"] = b, ["larger"] = wantsLarger };
        return new TaskProblem(question, gold, data, level, Explain(Think(random, language), a, b));
    }

    private static (string A, string B) Pair(TaskRandom random, int level)
    {
        while (true)
        {
            var (a, b) = (Number(random, level), Number(random, level));
            if (level > 1 && random.OneIn(2))
            {
                b = a[..^1] + random.Below(10).ToString(CultureInfo.InvariantCulture) + (a.Contains('.', StringComparison.Ordinal) && random.OneIn(2) ? random.Range(1, 9).ToString(CultureInfo.InvariantCulture) : "");
            }

            if (decimal.Parse(a, CultureInfo.InvariantCulture) != decimal.Parse(b, CultureInfo.InvariantCulture))
            {
                return (a, b);
            }
        }
    }

    private static string Number(TaskRandom random, int level)
    {
        var whole = random.WithDigits(random.Range((level + 1) / 2, level)).ToString(CultureInfo.InvariantCulture);
        var decimals = level >= 3 && random.OneIn(2) ? $".{random.WithDigits(random.Range(1, 3))}" : "";
        return (level >= 3 && random.OneIn(4) ? "-" : "") + whole + decimals;
    }

    private static string Explain(Derivation steps, string a, string b)
    {
        var (x, y) = (decimal.Parse(a, CultureInfo.InvariantCulture), decimal.Parse(b, CultureInfo.InvariantCulture));
        if (x < 0 != y < 0)
        {
            steps.Say("A negative number is below a positive one.", "负数小于正数。");
        }
        else
        {
            var (left, right) = (a.TrimStart('-').Split('.'), b.TrimStart('-').Split('.'));
            if (left[0].Length != right[0].Length)
            {
                steps.Say($"{left[0]} has {left[0].Length} digits, {right[0]} has {right[0].Length}.", $"{left[0]} 有 {left[0].Length} 位，{right[0]} 有 {right[0].Length} 位。");
            }
            else
            {
                steps.Say($"Whole parts: {ColumnMethods.CompareDigits(left[0], right[0])}", $"整数部分：{ColumnMethods.CompareDigits(left[0], right[0])}");
                if (left[0] == right[0])
                {
                    var (p, q) = (left.ElementAtOrDefault(1) ?? "", right.ElementAtOrDefault(1) ?? "");
                    var length = Math.Max(p.Length, q.Length);
                    var decimals = ColumnMethods.CompareDigits(p.PadRight(length, '0'), q.PadRight(length, '0'));
                    steps.Say($"Decimals: {decimals}", $"小数：{decimals}");
                }
            }

            if (x < 0)
            {
                steps.Say("Both are negative, so the order turns round.", "两个都是负数，大小关系相反。");
            }
        }

        return steps.Say($"{a} {(x < y ? '<' : '>')} {b}").ToString();
    }
}
