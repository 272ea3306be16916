using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A path of consecutive numbers through all cells, by sides; one solution.</summary>
public sealed class Numbrix() : GridPuzzle("numbrix", "Consecutive numbers form a path through all cells.", "side of the board, less 2", 5)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 2, level + 2);
        var path = Path(board, random);
        var solution = new int[board.Cells];
        for (var i = 0; i < path.Length; i++)
        {
            solution[path[i]] = i + 1;
        }

        var shown = Clues.Hide(random, solution, board.Cells * 3 / 4, cells => Rules(board, cells).IsUnique(100));
        var text = $"Fill the grid with the numbers 1 to {board.Cells}, each exactly once, so that consecutive numbers stand in cells that share a side. An underscore is an empty cell.";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["clues"] = TaskJson.Array(shown) };
        return new TaskProblem(Pose(text, board.Show(shown)), board.Show(solution), data, shown.Count(cell => cell < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values || !values.Order().SequenceEqual(Enumerable.Range(1, board.Cells)))
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells with 1 to {board.Cells} once each";
        }

        var isPath = Enumerable.Range(0, board.Cells).All(cell => values[cell] == board.Cells || board.Neighbours(cell).Any(next => values[next] == values[cell] + 1));
        return ContradictsClue(data.Ints("clues"), values) ?? (isPath ? null : "two consecutive numbers are not neighbours");
    }

    /// <summary>A random path through all cells: a snake, whose ends bite back into it many times.</summary>
    private static int[] Path(Board board, TaskRandom random)
    {
        var path = Enumerable.Range(0, board.Rows).SelectMany(row => row % 2 == 0 ? board.Row(row) : board.Row(row).Reverse()).ToArray();
        for (var bites = 0; bites < 10 * board.Cells; bites++)
        {
            if (random.OneIn(2))
            {
                Array.Reverse(path);
            }

            // The end joins a neighbour inside the path; what followed that neighbour is turned round.
            var at = Array.IndexOf(path, random.Pick(board.Neighbours(path[^1])));
            Array.Reverse(path, at + 1, path.Length - at - 1);
        }

        return path;
    }

    /// <summary>Variables are the numbers, values the cells they stand in.</summary>
    private static ConstraintSearch Rules(Board board, int[] clues)
    {
        var beside = Enumerable.Range(0, board.Cells).Select(cell => board.Neighbours(cell).Aggregate(0UL, (mask, next) => mask | (1UL << next))).ToArray();
        var search = new ConstraintSearch(board.Cells, ConstraintSearch.Values(0, board.Cells - 1));
        search.Add(new AllDifferent([.. Enumerable.Range(0, board.Cells)]));
        for (var number = 1; number < board.Cells; number++)
        {
            search.Add(new PairRule(number - 1, number, cell => beside[cell]));
        }

        for (var cell = 0; cell < clues.Length; cell++)
        {
            if (clues[cell] >= 0)
            {
                search.Fix(clues[cell] - 1, cell);
            }
        }

        return search;
    }
}
