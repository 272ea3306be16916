using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A Latin square with signs of order between neighbours, with one solution.</summary>
public sealed class Futoshiki() : GridPuzzle("futoshiki", "A Latin square with < signs between neighbours.", "side of the square, less 3; even levels show fewer signs", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var side = 4 + ((level - 1) / 2);
        var board = new Board(side, side);
        var solution = LatinSquare(board).Solve(random)!;
        var pairs = Enumerable.Range(0, board.Cells).SelectMany(cell => board.Neighbours(cell).Where(next => solution[cell] < solution[next]).Select(next => (Low: cell, High: next))).ToArray();
        var signs = random.Draw(pairs, pairs.Length * (level % 2 == 1 ? 40 : 25) / 100);
        var shown = Clues.Hide(random, solution, board.Cells, clues => Rules(board, clues, signs).IsUnique(300));
        var listed = string.Join('\n', signs.Select(sign => $"{Place(board, sign.Low)} < {Place(board, sign.High)}"));
        var rules = $"Fill the grid so that every row and every column holds each of 1 to {side} once and all the signs hold. An underscore is an empty cell; r2c3 is the cell in row 2, column 3.";
        var data = new JsonObject { ["rows"] = side, ["columns"] = side, ["clues"] = TaskJson.Array(shown), ["low"] = TaskJson.Array(signs.Select(sign => sign.Low)), ["high"] = TaskJson.Array(signs.Select(sign => sign.High)) };
        return new TaskProblem(Pose(rules, $"{board.Show(shown)}\n\n{listed}"), board.Show(solution), data, shown.Count(cell => cell < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values)
        {
            return $"not a grid of {board.Rows} × {board.Columns} numbers";
        }

        var isOrdered = data.Ints("low").Zip(data.Ints("high")).All(pair => values[pair.First] < values[pair.Second]);
        return ContradictsClue(data.Ints("clues"), values) ?? NoLatinSquare(board, values) ?? (isOrdered ? null : "a sign does not hold");
    }

    private static string Place(Board board, int cell) => $"r{(cell / board.Columns) + 1}c{(cell % board.Columns) + 1}";

    private static ConstraintSearch Rules(Board board, int[] clues, (int Low, int High)[] signs)
    {
        var search = LatinSquare(board, clues);
        foreach (var (low, high) in signs)
        {
            search.Add(new PairRule(low, high, value => ulong.MaxValue << value << 1));
        }

        return search;
    }
}
