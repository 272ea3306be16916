using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Fill the empty cells with arrows so that each number counts the arrows that run away from it. Every board that keeps the rules counts.</summary>
public sealed class ArrowMaze() : GridPuzzle("arrow-maze", "Fill empty cells with arrows that run away from numbers.", "side of the board, less 2; from 3 on also diagonal arrows", 6)
{
    private const string Arrows = "↑↓←→↖↗↘↙";

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 2, level + 2);
        var directions = level < 3 ? 4 : 8;
        var best = Enumerable.Range(0, 20).Select(_ => Draw(board, random, directions)).MinBy(cells => cells.Count(cell => cell == 0))!;
        var clues = best.Select(cell => cell >= 0 ? cell : -1).ToArray();
        var text = $"Fill every empty cell (_) with one of the arrows {string.Join(' ', Arrows[..directions].ToCharArray())}. From a number, the arrows that point straight away from it and follow each other without a gap belong to it: cell after cell in the direction of the arrow, up to the first cell that is not that arrow. Every number must equal the count of the arrows that belong to it in all directions together, and every arrow must belong to a number.";
        const string Answer = "Answer with the complete grid: one line per row, cells separated by spaces; numbers stay as they are.";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["directions"] = directions, ["clues"] = TaskJson.Array(clues) };
        var gold = board.Show(cell => best[cell] >= 0 ? $"{best[cell]}" : Arrows[-1 - best[cell]].ToString());
        return new TaskProblem(Pose(text, board.Show(clues), Answer), gold, data, clues.Count(clue => clue < 0));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        var clues = data.Ints("clues");
        if (AnswerTokens.Grid(answer, board.Rows, board.Columns) is not { } cells)
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells";
        }

        var directions = data.Int("directions");
        if (cells.Where((cell, i) => clues[i] >= 0 ? cell != $"{clues[i]}" : cell.Length != 1 || Arrows.IndexOf(cell[0], StringComparison.Ordinal) is var arrow && (arrow < 0 || arrow >= directions)).Any())
        {
            return "a number was changed or a cell holds no arrow";
        }

        var owned = 0;
        for (var cell = 0; cell < board.Cells; cell++)
        {
            var count = clues[cell] < 0 ? 0 : Enumerable.Range(0, directions).Sum(direction => Ray(board, cells, cell, direction));
            owned += count;
            if (clues[cell] >= 0 && count != clues[cell])
            {
                return $"the number in cell {cell + 1} has {count} arrows";
            }
        }

        return owned == clues.Count(clue => clue < 0) ? null : "an arrow belongs to no number";
    }

    private static int Ray(Board board, string[] cells, int from, int direction)
    {
        var count = 0;
        for (var cell = board.Step(from, direction); cell >= 0 && cells[cell] == Arrows[direction].ToString(); cell = board.Step(cell, direction))
        {
            count++;
        }

        return count;
    }

    /// <summary>Numbers as they are, arrows as −1 − direction.</summary>
    private static int[] Draw(Board board, TaskRandom random, int directions)
    {
        const int Free = int.MinValue;
        var cells = new int[board.Cells];
        Array.Fill(cells, Free);
        foreach (var source in random.Shuffled(Enumerable.Range(0, board.Cells)))
        {
            if (cells[source] != Free)
            {
                continue;
            }

            cells[source] = 0;
            foreach (var direction in random.Shuffled(Enumerable.Range(0, directions)))
            {
                var left = random.Range(1, board.Rows - 1);
                for (var cell = board.Step(source, direction); cell >= 0 && cells[cell] == Free && left > 0; cell = board.Step(cell, direction), left--)
                {
                    cells[cell] = -1 - direction;
                    cells[source]++;
                }
            }
        }

        return cells;
    }
}
