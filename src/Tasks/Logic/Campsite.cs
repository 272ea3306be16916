using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Every tree gets its own tent beside it; tents do not touch, and rows and columns count them. One solution.</summary>
public sealed class Campsite() : GridPuzzle("campsite", "A tent for every tree; tents do not touch.", "side of the board, less 3", 6)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 3, level + 3);
        while (true)
        {
            var (tents, trees) = Pitch(board, random);
            if (Rules(board, trees, Counts(board, tents)).IsUnique())
            {
                return Pose(board, tents, trees);
            }
        }
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        var trees = data.Ints("trees");
        if (AnswerTokens.Grid(answer, board.Rows, board.Columns) is not { } cells || cells.Where((cell, i) => cell is not ("C" or ".") && !(cell == "T" && trees[i] == 1)).Any())
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells C, T or .";
        }

        var tents = cells.Select(cell => cell == "C" ? 1 : 0).ToArray();
        if (tents.Where((tent, cell) => tent == 1 && (trees[cell] == 1 || board.Surrounding(cell).Any(next => tents[next] == 1))).Any())
        {
            return "a tent stands on a tree or touches another";
        }

        return !Counts(board, tents).SequenceEqual(data.Ints("counts")) ? "a row or column has another number of tents" : Matches(board, tents, trees) ? null : "the tents cannot be given to the trees one to one";
    }

    private static TaskProblem Pose(Board board, int[] tents, int[] trees)
    {
        var counts = Counts(board, tents);
        const string Text = "T is a tree, _ an empty cell. Put tents on empty cells so that every tree has its own tent in a cell that shares a side with it (one tent for each tree, one tree for each tent), no two tents touch, not even at a corner, and every row and column has the given number of tents.";
        const string Answer = "Answer with the complete grid: one line per row, cells separated by spaces, C for a tent, T for a tree and . for an empty cell.";
        var puzzle = $"tents in each row, top to bottom: {string.Join(' ', counts[..board.Rows])}\ntents in each column, left to right: {string.Join(' ', counts[board.Rows..])}\n\n{board.Show(cell => trees[cell] == 1 ? "T" : "_")}";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["trees"] = TaskJson.Array(trees), ["counts"] = TaskJson.Array(counts) };
        return new TaskProblem(Pose(Text, puzzle, Answer), board.Show(cell => tents[cell] == 1 ? "C" : trees[cell] == 1 ? "T" : "."), data, board.Cells - trees.Sum());
    }

    private static (int[] Tents, int[] Trees) Pitch(Board board, TaskRandom random)
    {
        var (tents, trees) = (new int[board.Cells], new int[board.Cells]);
        var wanted = Math.Max(2, board.Cells / 6);
        foreach (var cell in random.Shuffled(Enumerable.Range(0, board.Cells)))
        {
            var free = board.Neighbours(cell).Where(next => tents[next] + trees[next] == 0).ToArray();
            if (tents.Sum() < wanted && free.Length > 0 && trees[cell] == 0 && board.Surrounding(cell).All(next => tents[next] == 0))
            {
                tents[cell] = 1;
                trees[random.Pick(free)] = 1;
            }
        }

        return (tents, trees);
    }

    private static int[] Counts(Board board, int[] tents) => [.. board.Lines().Select(line => line.Sum(cell => tents[cell]))];

    /// <summary>Whether each tree can have a tent of its own and no tent is left (augmenting paths).</summary>
    private static bool Matches(Board board, int[] tents, int[] trees)
    {
        var treeOf = new Dictionary<int, int>();
        bool Give(int tree, HashSet<int> tried)
        {
            foreach (var tent in board.Neighbours(tree).Where(next => tents[next] == 1 && tried.Add(next)))
            {
                if (!treeOf.TryGetValue(tent, out var holder) || Give(holder, tried))
                {
                    treeOf[tent] = tree;
                    return true;
                }
            }

            return false;
        }

        return tents.Sum() == trees.Sum() && Enumerable.Range(0, board.Cells).Where(cell => trees[cell] == 1).All(tree => Give(tree, []));
    }

    /// <summary>A little weaker than the rules, so a puzzle that it finds unique is.</summary>
    private static ConstraintSearch Rules(Board board, int[] trees, int[] counts)
    {
        var search = new ConstraintSearch(board.Cells, 3);
        foreach (var (line, count) in board.Lines().Zip(counts))
        {
            search.Add(LinearSum.Exactly(line, count));
        }

        for (var cell = 0; cell < board.Cells; cell++)
        {
            var beside = board.Neighbours(cell);
            search.Add(LinearSum.Exactly(board.Surrounding(cell), 0, condition: cell));
            if (trees[cell] == 1)
            {
                search.Add(new LinearSum(beside, [.. Enumerable.Repeat(1, beside.Length)], 1, 4));
            }

            if (trees[cell] == 1 || !beside.Any(next => trees[next] == 1))
            {
                search.Fix(cell, 0);
            }
        }

        return search;
    }
}
