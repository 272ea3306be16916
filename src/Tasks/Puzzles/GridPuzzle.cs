using System.Text.Json;

namespace MiniMaxSharp.Tasks;

/// <summary>A puzzle on a board, asked in English; the answer is a complete board, and every board that keeps the rules counts.</summary>
public abstract class GridPuzzle(string name, string description, string levelMeaning, int maxLevel)
    : ReasoningTask(name, description, levelMeaning, maxLevel)
{
    private const string GridAnswer = "Answer with the complete grid: one line per row, cells separated by spaces.";

    /// <summary>Rules, the puzzle, and how to answer.</summary>
    protected static string Pose(string rules, string puzzle, string answer = GridAnswer) => $"{rules}\n\n{puzzle}\n\n{answer}";

    /// <summary>The first clue that a filled board contradicts, or null; −1 stands for no clue.</summary>
    protected static string? ContradictsClue(int[] clues, int[] values)
    {
        for (var i = 0; i < clues.Length; i++)
        {
            if (clues[i] >= 0 && clues[i] != values[i])
            {
                return $"cell {i + 1} changes a given";
            }
        }

        return null;
    }

    /// <summary>The first line that does not hold each of 1…n once, or null.</summary>
    private protected static string? NoLatinSquare(Board board, int[] values)
    {
        foreach (var line in board.Lines())
        {
            if (line.Select(cell => values[cell]).Order().Where((value, i) => value != i + 1).Any())
            {
                return $"the line from cell {line[0] + 1} does not hold 1 to {board.Rows} once each";
            }
        }

        return null;
    }

    /// <summary>The solver of a Latin square of 1…n.</summary>
    private protected static ConstraintSearch LatinSquare(Board board, IReadOnlyList<int>? clues = null)
    {
        var search = new ConstraintSearch(board.Cells, ConstraintSearch.Values(1, board.Rows));
        foreach (var line in board.Lines())
        {
            search.Add(new AllDifferent(line));
        }

        for (var i = 0; i < clues?.Count; i++)
        {
            if (clues[i] >= 0)
            {
                search.Fix(i, clues[i]);
            }
        }

        return search;
    }

    /// <summary>A board of marks, each 0 or 1, read from letters; null where the answer has another shape or other letters.</summary>
    private protected static int[]? Marks(Board board, string answer, string mark, string empty)
    {
        if (AnswerTokens.Grid(answer, board.Rows, board.Columns) is not { } cells || cells.Any(cell => cell != mark && cell != empty))
        {
            return null;
        }

        return [.. cells.Select(cell => cell == mark ? 1 : 0)];
    }

    /// <summary>The board of an instance: its data name rows and columns.</summary>
    private protected static Board BoardOf(JsonElement data) => new(data.Int("rows"), data.Int("columns"));
}
