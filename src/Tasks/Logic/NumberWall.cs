using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Islands of given sizes apart from each other, and no 2×2 block of wall. Every board that keeps the rules counts.</summary>
public sealed class NumberWall() : GridPuzzle("number-wall", "Islands of given sizes between walls.", "side of the board, less 3", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 3, level + 3);
        List<List<int>>? islands;
        do
        {
            islands = Islands(board, random, largest: 2 + ((level + 3) / 2));
        }
        while (islands is null);

        var clues = new int[board.Cells];
        Array.Fill(clues, -1);
        foreach (var island in islands)
        {
            clues[random.Pick(island)] = island.Count;
        }

        const string Text = "Divide the grid into islands and walls. Every island is a group of cells joined by sides; it holds exactly one of the given numbers, and the number says how many cells it has. Different islands never share a side (they may touch at a corner). No 2 × 2 block is all wall. An underscore is a cell without a number.";
        const string Answer = "Answer with the complete grid: one line per row, cells separated by spaces, W for wall and . for island (also where a number stands).";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["clues"] = TaskJson.Array(clues) };
        var land = islands.SelectMany(island => island).ToHashSet();
        return new TaskProblem(Pose(Text, board.Show(clues), Answer), board.Show(cell => land.Contains(cell) ? "." : "W"), data, board.Cells);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        var clues = data.Ints("clues");
        if (AnswerTokens.Grid(answer, board.Rows, board.Columns) is not { } cells || cells.Where((cell, i) => cell is not ("W" or ".") && !(clues[i] > 0 && cell == $"{clues[i]}")).Any())
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells W or .";
        }

        var seen = new HashSet<int>();
        foreach (var start in Enumerable.Range(0, board.Cells).Where(cell => cells[cell] != "W"))
        {
            if (seen.Contains(start))
            {
                continue;
            }

            var island = board.Connected(start, cell => cells[cell] != "W");
            seen.UnionWith(island);
            var numbers = island.Where(cell => clues[cell] > 0).ToArray();
            if (numbers.Length != 1 || clues[numbers[0]] != island.Count)
            {
                return $"the island of cell {start + 1} does not have one number that is its size";
            }
        }

        return clues.Where((clue, cell) => clue > 0 && cells[cell] == "W").Any() ? "a number is walled over" : Pool(board, cell => cells[cell] == "W") >= 0 ? "a 2 × 2 block is all wall" : null;
    }

    /// <summary>Breaks every pool of wall by a new island or a growing one; null where that gets stuck.</summary>
    private static List<List<int>>? Islands(Board board, TaskRandom random, int largest)
    {
        var islands = new List<List<int>>();
        var owner = new int[board.Cells];
        Array.Fill(owner, -1);
        while (true)
        {
            var pool = Pool(board, cell => owner[cell] < 0);
            if (pool < 0)
            {
                Grow(board, random, islands, owner, largest);
                return islands;
            }

            var placed = false;
            foreach (var cell in random.Shuffled([pool, pool + 1, pool + board.Columns, pool + board.Columns + 1]))
            {
                var beside = board.Neighbours(cell).Select(next => owner[next]).Where(island => island >= 0).Distinct().ToArray();
                if (beside.Length > 1 || (beside.Length == 1 && islands[beside[0]].Count >= largest))
                {
                    continue;
                }

                if (beside.Length == 0)
                {
                    islands.Add([]);
                }

                owner[cell] = beside.Length == 0 ? islands.Count - 1 : beside[0];
                islands[owner[cell]].Add(cell);
                placed = true;
                break;
            }

            if (!placed)
            {
                return null;
            }
        }
    }

    /// <summary>Joins wall that touches exactly one island to it, in a random order; less wall cannot make a pool.</summary>
    private static void Grow(Board board, TaskRandom random, List<List<int>> islands, int[] owner, int largest)
    {
        foreach (var cell in random.Shuffled(Enumerable.Range(0, board.Cells).Where(cell => owner[cell] < 0)))
        {
            var beside = board.Neighbours(cell).Select(next => owner[next]).Where(island => island >= 0).Distinct().ToArray();
            if (beside.Length == 1 && islands[beside[0]].Count < largest)
            {
                owner[cell] = beside[0];
                islands[beside[0]].Add(cell);
            }
        }
    }

    /// <summary>The upper left cell of a 2×2 block of wall, or −1.</summary>
    private static int Pool(Board board, Func<int, bool> isWall)
    {
        for (var cell = 0; cell < board.Cells - board.Columns; cell++)
        {
            if ((cell + 1) % board.Columns != 0 && isWall(cell) && isWall(cell + 1) && isWall(cell + board.Columns) && isWall(cell + board.Columns + 1))
            {
                return cell;
            }
        }

        return -1;
    }
}
