using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Shade cells so that the weights of each row and column add up; one solution.</summary>
public sealed class Kukurasu() : GridPuzzle("kukurasu", "Shade cells so that their weights give the sums of rows and columns.", "side of the board, less 2", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 2, level + 2);
        int[] solution;
        int[]? shown;
        do
        {
            solution = [.. Enumerable.Range(0, board.Cells).Select(_ => random.Below(2))];
            shown = Clues.Reveal(random, solution, _ => true, cells => Rules(board, cells, Sums(board, solution)));
        }
        while (shown is null || shown.Count(cell => cell >= 0) > level);

        var sums = Sums(board, solution);
        const string Text = "Shade some cells. A shaded cell in column c adds c to the sum of its row; a shaded cell in row r adds r to the sum of its column (rows and columns count from 1). All sums must be as given. In the grid 1 is a cell known to be shaded, 0 a cell known to be empty, _ is unknown.";
        const string Answer = "Answer with the complete grid: one line per row, cells separated by spaces, 1 for shaded and 0 for empty.";
        var puzzle = $"row sums, top to bottom: {string.Join(' ', sums[..board.Rows])}\ncolumn sums, left to right: {string.Join(' ', sums[board.Rows..])}\n\n{board.Show(shown)}";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["sums"] = TaskJson.Array(sums), ["clues"] = TaskJson.Array(shown) };
        return new TaskProblem(Pose(Text, puzzle, Answer), board.Show(solution), data, shown.Count(cell => cell < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (Marks(board, answer, "1", "0") is not { } shaded)
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells 0 or 1";
        }

        return ContradictsClue(data.Ints("clues"), shaded) ?? (Sums(board, shaded).SequenceEqual(data.Ints("sums")) ? null : "a sum does not hold");
    }

    private static int[] Sums(Board board, int[] shaded) => [.. board.Lines().Select(line => line.Select((cell, i) => shaded[cell] * (i + 1)).Sum())];

    private static ConstraintSearch Rules(Board board, int[] clues, int[] sums)
    {
        var search = new ConstraintSearch(board.Cells, 3);
        foreach (var (line, sum) in board.Lines().Zip(sums))
        {
            search.Add(new LinearSum(line, [.. Enumerable.Range(1, line.Length)], sum, sum));
        }

        for (var i = 0; i < clues.Length; i++)
        {
            search.Restrict(i, clues[i] < 0 ? 3 : 1UL << clues[i]);
        }

        return search;
    }
}
