using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A Latin square of towers; clues at the rim count the towers one sees. One solution.</summary>
public sealed class Skyscraper() : GridPuzzle("skyscraper", "A Latin square of towers with counts of what is seen from the rim.", "1, 2: 4×4; 3, 4: 5×5; 5, 6: 6×6; even levels show fewer clues", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var side = 4 + ((level - 1) / 2);
        var board = new Board(side, side);
        var solution = LatinSquare(board).Solve(random)!;
        var sights = Sights(board);
        var clues = sights.Select(line => Seen([.. line.Select(cell => solution[cell])])).ToArray();
        var shown = Clues.Hide(random, solution, board.Cells, cells => Rules(board, cells, clues).IsUnique(100));
        if (level % 2 == 0)
        {
            clues = Clues.Hide(random, clues, clues.Length, rim => Rules(board, shown, rim).IsUnique(100));
        }

        var names = new[] { "top", "bottom", "left", "right" };
        var rim = string.Join('\n', names.Select((name, i) => $"{name}: {string.Join(' ', clues[(i * side)..((i + 1) * side)].Select(clue => clue < 0 ? "_" : clue.ToString(System.Globalization.CultureInfo.InvariantCulture)))}"));
        var rules = $"Fill the grid with towers of height 1 to {side} so that every row and every column holds each height once. A clue at the rim says how many towers one sees from there; a higher tower hides lower ones behind it. Clues at top and bottom stand from left to right, at left and right from top to bottom; an underscore means no clue or an empty cell.";
        var data = new JsonObject { ["rows"] = side, ["columns"] = side, ["clues"] = TaskJson.Array(shown), ["rim"] = TaskJson.Array(clues) };
        return new TaskProblem(Pose(rules, $"{rim}\n\n{board.Show(shown)}"), board.Show(solution), data, shown.Count(cell => cell < 0) + clues.Count(clue => clue < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values)
        {
            return $"not a grid of {board.Rows} × {board.Columns} numbers";
        }

        var isSeen = Sights(board).Zip(data.Ints("rim")).All(pair => pair.Second < 0 || Seen([.. pair.First.Select(cell => values[cell])]) == pair.Second);
        return ContradictsClue(data.Ints("clues"), values) ?? NoLatinSquare(board, values) ?? (isSeen ? null : "a clue at the rim does not hold");
    }

    /// <summary>Lines as seen from top, bottom, left, right.</summary>
    private static List<int[]> Sights(Board board)
    {
        var columns = Enumerable.Range(0, board.Columns).Select(board.Column).ToArray();
        var rows = Enumerable.Range(0, board.Rows).Select(board.Row).ToArray();
        return [.. columns, .. columns.Select(line => line.Reverse().ToArray()), .. rows, .. rows.Select(line => line.Reverse().ToArray())];
    }

    private static int Seen(int[] heights)
    {
        var (highest, count) = (0, 0);
        foreach (var height in heights)
        {
            count += height > highest ? 1 : 0;
            highest = Math.Max(highest, height);
        }

        return count;
    }

    private static ConstraintSearch Rules(Board board, int[] cells, int[] clues)
    {
        var search = LatinSquare(board, cells);
        foreach (var (line, clue) in Sights(board).Zip(clues))
        {
            if (clue >= 0)
            {
                search.Add(new TestedRule(line, values => Seen(values) == clue, isDistinct: true));
            }
        }

        return search;
    }
}
