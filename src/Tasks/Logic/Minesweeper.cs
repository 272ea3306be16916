using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Find all mines from the numbers that are open; one solution.</summary>
public sealed class Minesweeper() : GridPuzzle("minesweeper", "Find all mines from the open numbers.", "side of the board, less 3", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 3, level + 3);
        while (true)
        {
            var mines = new int[board.Cells];
            foreach (var cell in random.Draw(Enumerable.Range(0, board.Cells), board.Cells / 5))
            {
                mines[cell] = 1;
            }

            if (Clues.Reveal(random, mines, cell => mines[cell] == 0, open => Rules(board, mines, open), maxNodes: 500) is { } shown)
            {
                return Pose(board, mines, shown);
            }
        }
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.Integers(answer) is not { } numbers || numbers.Count % 2 != 0 || numbers.Count > 2 * board.Cells)
        {
            return "not a list of (row, column)";
        }

        var mines = new int[board.Cells];
        for (var i = 0; i < numbers.Count; i += 2)
        {
            if (numbers[i] < 1 || numbers[i] > board.Rows || numbers[i + 1] < 1 || numbers[i + 1] > board.Columns || mines[((numbers[i] - 1) * board.Columns) + numbers[i + 1] - 1]++ > 0)
            {
                return "a cell is outside of the grid or named twice";
            }
        }

        var clues = data.Ints("clues");
        var isRight = mines.Sum() == data.Int("mines") && Enumerable.Range(0, board.Cells).All(cell => clues[cell] < 0 || (mines[cell] == 0 && board.Surrounding(cell).Sum(next => mines[next]) == clues[cell]));
        return isRight ? null : "these mines do not fit the numbers";
    }

    private static TaskProblem Pose(Board board, int[] mines, int[] shown)
    {
        var clues = Enumerable.Range(0, board.Cells).Select(cell => shown[cell] < 0 ? -1 : board.Surrounding(cell).Sum(next => mines[next])).ToArray();
        var text = $"In this grid an open cell shows how many of the cells around it (sides and corners) hold a mine; an open cell holds none. An underscore is a closed cell. There are {mines.Sum()} mines. Find them all.";
        const string Answer = "Answer with the mines as (row, column), counted from 1, such as (1,2), (3,4).";
        var gold = string.Join(", ", Enumerable.Range(0, board.Cells).Where(cell => mines[cell] == 1).Select(cell => $"({(cell / board.Columns) + 1},{(cell % board.Columns) + 1})"));
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["mines"] = mines.Sum(), ["clues"] = TaskJson.Array(clues) };
        return new TaskProblem(Pose(text, board.Show(clues), Answer), gold, data, clues.Count(clue => clue < 0));
    }

    private static ConstraintSearch Rules(Board board, int[] mines, int[] open)
    {
        var search = new ConstraintSearch(board.Cells, 3);
        search.Add(LinearSum.Exactly([.. Enumerable.Range(0, board.Cells)], mines.Sum()));
        for (var cell = 0; cell < board.Cells; cell++)
        {
            if (open[cell] >= 0)
            {
                search.Fix(cell, 0);
                search.Add(LinearSum.Exactly(board.Surrounding(cell), board.Surrounding(cell).Sum(next => mines[next])));
            }
        }

        return search;
    }
}
