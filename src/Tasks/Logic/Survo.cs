using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Each number from 1 to the number of cells once, with the sums of all rows and columns; one solution.</summary>
public sealed class Survo() : GridPuzzle("survo", "All numbers once, with given sums of rows and columns.", "1: 2×3; 2: 3×3; 3: 3×4; 4: 4×4; 5: 4×5", 5)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(2 + (level / 2), 3 + ((level - 1) / 2));
        var solution = random.Shuffled(Enumerable.Range(1, board.Cells));
        var sums = Sums(board, solution);
        var shown = Clues.Reveal(random, solution, _ => true, cells => Rules(board, cells, sums))!;
        var text = $"Fill the grid with the numbers 1 to {board.Cells}, each exactly once, so that all rows and columns have the given sums. An underscore is an empty cell.";
        var puzzle = $"row sums, top to bottom: {string.Join(' ', sums[..board.Rows])}\ncolumn sums, left to right: {string.Join(' ', sums[board.Rows..])}\n\n{board.Show(shown)}";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["sums"] = TaskJson.Array(sums), ["clues"] = TaskJson.Array(shown) };
        return new TaskProblem(Pose(text, puzzle), board.Show(solution), data, shown.Count(cell => cell < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values || !values.Order().SequenceEqual(Enumerable.Range(1, board.Cells)))
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells with 1 to {board.Cells} once each";
        }

        return ContradictsClue(data.Ints("clues"), values) ?? (Sums(board, values).SequenceEqual(data.Ints("sums")) ? null : "a sum does not hold");
    }

    private static int[] Sums(Board board, int[] values) => [.. board.Lines().Select(line => line.Sum(cell => values[cell]))];

    private static ConstraintSearch Rules(Board board, int[] clues, int[] sums)
    {
        var search = new ConstraintSearch(board.Cells, ConstraintSearch.Values(1, board.Cells));
        search.Add(new AllDifferent([.. Enumerable.Range(0, board.Cells)]));
        foreach (var (line, sum) in board.Lines().Zip(sums))
        {
            search.Add(LinearSum.Exactly(line, sum));
        }

        for (var i = 0; i < clues.Length; i++)
        {
            search.Restrict(i, clues[i] < 0 ? ulong.MaxValue : 1UL << clues[i]);
        }

        return search;
    }
}
