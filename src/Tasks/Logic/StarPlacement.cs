using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>One star in every row, column and region, no two touching, not even at a corner; one solution.</summary>
public sealed class StarPlacement() : GridPuzzle("star-placement", "One star in every row, column and region; stars do not touch.", "side of the board, less 4", 5)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 4, level + 4);
        while (true)
        {
            var solution = Rules(board, null).Solve(random)!;
            var seeds = random.Shuffled(Enumerable.Range(0, board.Cells).Where(cell => solution[cell] == 1)).Select(cell => new[] { cell }).ToArray();
            var regions = Regions.Grow(board, random, seeds);
            for (var repairs = 0; repairs < 200; repairs++)
            {
                var other = Rules(board, regions).Other(solution, out var isComplete);
                if (other is null && isComplete)
                {
                    return Pose(board, regions, solution);
                }

                if (other is null || !Regions.Break(board, random, regions, solution, other))
                {
                    break;
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (Marks(board, answer, "S", ".") is not { } stars)
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells S or .";
        }

        var groups = board.Lines().Concat(Areas(data.Ints("regions")));
        if (!groups.All(group => group.Sum(cell => stars[cell]) == 1))
        {
            return "a row, column or region does not hold exactly one star";
        }

        return Enumerable.Range(0, board.Cells).Any(cell => stars[cell] == 1 && board.Surrounding(cell).Any(next => stars[next] == 1)) ? "two stars touch" : null;
    }

    private static TaskProblem Pose(Board board, int[] regions, int[] solution)
    {
        const string Rules = "Place stars so that every row, every column and every region holds exactly one star and no two stars touch, not even at a corner. Cells with the same letter are one region.";
        const string Answer = "Answer with the complete grid: one line per row, cells separated by spaces, S for a star and . for an empty cell.";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["regions"] = TaskJson.Array(regions) };
        return new TaskProblem(Pose(Rules, Regions.Show(board, regions), Answer), board.Show(cell => solution[cell] == 1 ? "S" : "."), data, board.Cells);
    }

    private static IEnumerable<int[]> Areas(int[] regions) => Enumerable.Range(0, regions.Length).GroupBy(cell => regions[cell]).Select(area => area.ToArray());

    private static ConstraintSearch Rules(Board board, int[]? regions)
    {
        var search = new ConstraintSearch(board.Cells, 3);
        foreach (var group in board.Lines().Concat(regions is null ? [] : Areas(regions)))
        {
            search.Add(LinearSum.Exactly(group, 1));
        }

        for (var cell = 0; cell < board.Cells; cell++)
        {
            search.Add(LinearSum.Exactly(board.Surrounding(cell), 0, condition: cell));
        }

        return search;
    }
}
