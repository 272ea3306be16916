using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Sudoku of 4×4, 6×6 or 9×9 cells with one solution.</summary>
public sealed class Sudoku() : GridPuzzle("sudoku", "Fill rows, columns and boxes.", "1, 2: 4×4; 3, 4: 6×6; 5 to 8: 9×9; more cells are hidden with the level", 8)
{
    private static readonly int[] hiddenCells = [6, 9, 16, 21, 34, 42, 48, 52];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (boxRows, boxColumns) = level switch { <= 2 => (2, 2), <= 4 => (2, 3), _ => (3, 3) };
        var board = new Board(boxRows * boxColumns, boxRows * boxColumns);
        var solution = Rules(board, boxRows, boxColumns, null).Solve(random)!;
        var shown = Clues.Hide(random, solution, hiddenCells[level - 1], clues => Rules(board, boxRows, boxColumns, clues).IsUnique(300));
        var rules = $"Fill the grid so that every row, every column and every box of {boxRows} rows by {boxColumns} columns holds each of 1 to {board.Rows} once. An underscore is an empty cell.";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["box_rows"] = boxRows, ["box_columns"] = boxColumns, ["clues"] = TaskJson.Array(shown) };
        return new TaskProblem(Pose(rules, board.Show(shown)), board.Show(solution), data, shown.Count(cell => cell < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values)
        {
            return $"not a grid of {board.Rows} × {board.Columns} numbers";
        }

        var isBoxed = Boxes(board, data.Int("box_rows"), data.Int("box_columns")).All(box => box.Select(cell => values[cell]).Distinct().Count() == box.Length);
        return ContradictsClue(data.Ints("clues"), values) ?? NoLatinSquare(board, values) ?? (isBoxed ? null : "a box holds a number twice");
    }

    private static ConstraintSearch Rules(Board board, int boxRows, int boxColumns, int[]? clues)
    {
        var search = LatinSquare(board, clues);
        foreach (var box in Boxes(board, boxRows, boxColumns))
        {
            search.Add(new AllDifferent(box));
        }

        return search;
    }

    private static IEnumerable<int[]> Boxes(Board board, int boxRows, int boxColumns) =>
        Enumerable.Range(0, board.Cells).GroupBy(cell => (cell / board.Columns / boxRows, cell % board.Columns / boxColumns)).Select(box => box.ToArray());
}
