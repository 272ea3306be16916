using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Equations across and down with missing numbers. Every grid of numbers that makes all equations hold counts.</summary>
public sealed class MathPath() : GridPuzzle("math-path", "Missing numbers of equations that cross.", "1, 2: 2×2 numbers; 3 to 8: 3×3; more numbers are hidden with the level", 8)
{
    private static readonly int[] hiddenCells = [1, 2, 3, 4, 5, 6, 7, 8];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var side = level <= 2 ? 2 : 3;
        var board = new Board(side, side);
        var values = Enumerable.Range(0, board.Cells).Select(_ => random.Range(1, 9)).ToArray();
        var signs = board.Lines().Select(_ => string.Concat(Enumerable.Range(1, side - 1).Select(_ => random.Pick(['+', '-', '×'])))).ToArray();
        var results = board.Lines().Select((line, i) => Value([.. line.Select(cell => values[cell])], signs[i])).ToArray();
        var clues = (int[])values.Clone();
        foreach (var cell in random.Draw(Enumerable.Range(0, board.Cells), hiddenCells[level - 1]))
        {
            clues[cell] = -1;
        }

        var equations = board.Lines().Select((line, i) => $"{(i < side ? "row" : "column")} {(i % side) + 1}: {Equation([.. line.Select(cell => clues[cell])], signs[i])} = {results[i]}");
        const string Text = "The numbers 1 to 9 stand in a grid; an underscore is a missing number, and a number may occur several times. All equations must hold (× before + and -). Find the missing numbers.";
        var data = new JsonObject { ["rows"] = side, ["columns"] = side, ["clues"] = TaskJson.Array(clues), ["signs"] = TaskJson.Array(signs), ["results"] = TaskJson.Array(results) };
        return new TaskProblem(Pose(Text, $"{board.Show(clues)}\n\n{string.Join('\n', equations)}"), board.Show(values), data, hiddenCells[level - 1]);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values || values.Any(value => value is < 1 or > 9))
        {
            return $"not a grid of {board.Rows} × {board.Columns} numbers from 1 to 9";
        }

        var (signs, results) = (data.Texts("signs"), data.Ints("results"));
        var isRight = board.Lines().Select((line, i) => Value([.. line.Select(cell => values[cell])], signs[i]) == results[i]).All(holds => holds);
        return ContradictsClue(data.Ints("clues"), values) ?? (isRight ? null : "an equation does not hold");
    }

    private static int Value(int[] numbers, string signs)
    {
        var (sum, product) = (0, numbers[0]);
        for (var i = 0; i < signs.Length; i++)
        {
            if (signs[i] == '×')
            {
                product *= numbers[i + 1];
                continue;
            }

            sum += product;
            product = signs[i] == '+' ? numbers[i + 1] : -numbers[i + 1];
        }

        return sum + product;
    }

    private static string Equation(int[] numbers, string signs) =>
        string.Concat(numbers.Select((number, i) => (i > 0 ? $" {signs[i - 1]} " : "") + (number < 0 ? "_" : $"{number}")));
}
