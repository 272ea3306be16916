using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Two shaded cells in every region, and every shaded cell has exactly one shaded neighbour; one solution.</summary>
public sealed class Norinori() : GridPuzzle("norinori", "Shade two cells of every region so that shaded cells form dominoes.", "side of the board, less 3", 5)
{
    private const int MaxRepairs = 30;
    private const int MaxNodes = 400;

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var board = new Board(level + 3, level + 3);
        var dominoes = Dominoes(board, random);
        var solution = new int[board.Cells];
        foreach (var cell in dominoes.SelectMany(domino => domino))
        {
            solution[cell] = 1;
        }

        var regions = Regions.Grow(board, random, dominoes);
        for (var repairs = 0; repairs < MaxRepairs; repairs++)
        {
            if (Rules(board, regions, null).Other(solution, out _, MaxNodes) is not { } other || !Regions.Break(board, random, regions, solution, other))
            {
                break;
            }
        }

        var known = Clues.Reveal(random, solution, _ => true, cells => Rules(board, regions, cells), MaxNodes)!;
        return Pose(board, regions, solution, known);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (Marks(board, answer, "X", ".") is not { } shaded)
        {
            return $"not a grid of {board.Rows} × {board.Columns} cells X or .";
        }

        var regions = data.Ints("regions");
        if (Enumerable.Range(0, board.Cells).GroupBy(cell => regions[cell]).Any(region => region.Sum(cell => shaded[cell]) != 2))
        {
            return "a region does not have exactly two shaded cells";
        }

        var isLonely = Enumerable.Range(0, board.Cells).Any(cell => shaded[cell] == 1 && board.Neighbours(cell).Sum(next => shaded[next]) != 1);
        return ContradictsClue(data.Ints("clues"), shaded) ?? (isLonely ? "a shaded cell does not have exactly one shaded neighbour" : null);
    }

    private static TaskProblem Pose(Board board, int[] regions, int[] solution, int[] known)
    {
        const string Text = "Shade cells so that every region has exactly two shaded cells and every shaded cell shares a side with exactly one other shaded cell, which may lie in another region. Cells with the same letter are one region.";
        const string Answer = "Answer with the complete grid: one line per row, cells separated by spaces, X for shaded and . for empty.";
        var data = new JsonObject { ["rows"] = board.Rows, ["columns"] = board.Columns, ["regions"] = TaskJson.Array(regions), ["clues"] = TaskJson.Array(known) };
        var shown = $"{Regions.Show(board, regions)}\n\nKnown cells (_ is unknown):\n{board.Show(cell => known[cell] < 0 ? "_" : known[cell] == 1 ? "X" : ".")}";
        return new TaskProblem(Pose(Text, shown, Answer), board.Show(cell => solution[cell] == 1 ? "X" : "."), data, known.Count(cell => cell < 0));
    }

    /// <summary>Dominoes that do not touch by sides, as many as fit in a random order.</summary>
    private static List<int[]> Dominoes(Board board, TaskRandom random)
    {
        var dominoes = new List<int[]>();
        var taken = new HashSet<int>();
        foreach (var cell in random.Shuffled(Enumerable.Range(0, board.Cells)))
        {
            var second = random.Pick(board.Neighbours(cell));
            if (dominoes.Count < 26 && new[] { cell, second }.All(half => !taken.Contains(half) && !board.Neighbours(half).Any(taken.Contains)))
            {
                dominoes.Add([cell, second]);
                taken.Add(cell);
                taken.Add(second);
            }
        }

        return dominoes;
    }

    private static ConstraintSearch Rules(Board board, int[] regions, int[]? known)
    {
        var search = new ConstraintSearch(board.Cells, 3);
        foreach (var region in Enumerable.Range(0, board.Cells).GroupBy(cell => regions[cell]))
        {
            search.Add(LinearSum.Exactly([.. region], 2));
        }

        for (var cell = 0; cell < board.Cells; cell++)
        {
            search.Add(LinearSum.Exactly(board.Neighbours(cell), 1, condition: cell));
            search.Restrict(cell, known is null || known[cell] < 0 ? 3 : 1UL << known[cell]);
        }

        return search;
    }
}
