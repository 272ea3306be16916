using System.Globalization;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Numbers in increasing or decreasing order.</summary>
public sealed class NumberSorting() : ArithmeticTask("number-sorting", "Numbers put in order.", "numbers: level + 2; of up to level digits, three at most", 10)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var largest = level switch { 1 => 9, 2 => 99, _ => 999 };
        var numbers = new HashSet<int>();
        while (numbers.Count < level + 2)
        {
            numbers.Add(random.Range(0, largest) * (level > 3 && random.OneIn(5) ? -1 : 1));
        }

        var isIncreasing = random.OneIn(2);
        var shown = random.Shuffled(numbers);
        var sorted = isIncreasing ? shown.Order().ToArray() : [.. shown.OrderDescending()];
        var steps = Think(random, language);
        var digits = largest.ToString(CultureInfo.InvariantCulture).Length;
        string Padded(int number) => number < 0 ? number.ToString(CultureInfo.InvariantCulture) : number.ToString($"D{digits}", CultureInfo.InvariantCulture);
        for (var i = 0; i < shown.Length; i++)
        {
            var placed = sorted.Where(number => Array.IndexOf(shown, number) <= i).Select(Padded).ToArray();
            var passed = Array.IndexOf(placed, Padded(shown[i]));
            var compared = placed.Where((_, place) => place != passed && place <= passed + 1).Select(other => $"{ColumnMethods.CompareDigits(other, Padded(shown[i]))}; ");
            steps.Say($"{Padded(shown[i])}: {(level > 3 ? "" : string.Concat(compared))}{string.Join(", ", placed)}");
        }

        steps.Say(string.Join(", ", sorted)).Check($"{sorted.Length} numbers, as given.", $"共 {sorted.Length} 个数，与题目一致。");
        var list = string.Join(", ", shown);
        var question = isIncreasing
            ? Ask(random, language, ["Sort these numbers from smallest to largest: {0}", "Put {0} in increasing order.", "Arrange in ascending order: {0}", "Sort {0}.", "Sort: {0}", "Sort {0} in ascending order.", "Sort the numbers {0}."], ["把这些数从小到大排列：{0}", "将 {0} 按升序排列。", "从小到大排序：{0}", "把 {0} 从小到大排序。", "把 {0} 从小到大排列。", "排序：{0}"], list)
            : Ask(random, language, ["Sort these numbers from largest to smallest: {0}", "Put {0} in decreasing order.", "Arrange in descending order: {0}", "Sort {0} in descending order.", "Sort {0} from largest to smallest."], ["把这些数从大到小排列：{0}", "将 {0} 按降序排列。", "从大到小排序：{0}", "把 {0} 从大到小排序。", "把 {0} 从大到小排列。"], list);
        var data = new JsonObject { ["numbers"] = TaskJson.Array(shown), ["increasing"] = isIncreasing };
        return new TaskProblem(question, string.Join(", ", sorted), data, sorted.Length, steps.ToString());
    }

    /// <inheritdoc/>
    protected override string? Fault(System.Text.Json.JsonElement data, string gold, string answer)
    {
        var wanted = data.GetProperty("increasing").GetBoolean() ? data.Ints("numbers").Order() : data.Ints("numbers").OrderDescending();
        return AnswerTokens.Integers(answer) is { } given && given.SequenceEqual(wanted) ? null : "the numbers are not the given ones in order";
    }
}
