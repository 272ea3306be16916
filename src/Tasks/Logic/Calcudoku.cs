using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A Latin square cut into cages, each with an operation and its result; one solution.</summary>
public sealed class Calcudoku() : GridPuzzle("calcudoku", "A Latin square with cages of sums, products, differences and quotients.", "side of the square: 3, 4, 4, 5, 5, 6; larger cages at even levels", 6)
{
    private sealed record Cage(int[] Cells, char Sign, int Target);

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var side = 3 + (level / 2);
        var board = new Board(side, side);
        var solution = LatinSquare(board).Solve(random)!;
        var cages = Cut(board, random, 3 + (level % 2 == 0 ? 1 : 0)).Select(cells => Describe(random, cells, solution)).ToList();
        while (true)
        {
            var other = Rules(board, cages).Other(solution, out var isComplete, 1_000);
            if (other is null && isComplete)
            {
                break;
            }

            var telling = cages.Where(cage => cage.Cells.Length > 1 && (other is null || cage.Cells.Any(cell => other[cell] != solution[cell]))).ToArray();
            var split = random.Pick(telling);
            cages.Remove(split);
            cages.AddRange(split.Cells.Select(cell => new Cage([cell], '=', solution[cell])));
        }

        cages = [.. cages.OrderBy(cage => cage.Cells[0])];
        var listed = string.Join('\n', cages.Select((cage, i) => $"cage {i + 1}: {string.Join(' ', cage.Cells.Select(cell => $"r{(cell / side) + 1}c{(cell % side) + 1}"))}: {(cage.Sign == '=' ? "" : $"{cage.Sign} ")}{cage.Target}"));
        var rules = $"Fill a {side} × {side} grid so that every row and every column holds each of 1 to {side} once. Every cage names its cells (r2c3 is row 2, column 3), an operation and a result: the numbers in the cage, joined by the operation in some order, give the result.";
        var data = new JsonObject
        {
            ["rows"] = side,
            ["columns"] = side,
            ["cages"] = new JsonArray([.. cages.Select(cage => (JsonNode)TaskJson.Array(cage.Cells))]),
            ["signs"] = TaskJson.Array(cages.Select(cage => cage.Sign.ToString())),
            ["targets"] = TaskJson.Array(cages.Select(cage => cage.Target)),
        };
        return new TaskProblem(Pose(rules, listed), board.Show(solution), data, board.Cells - cages.Count(cage => cage.Sign == '='));
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var board = BoardOf(data);
        if (AnswerTokens.IntGrid(answer, board.Rows, board.Columns) is not { } values)
        {
            return $"not a grid of {board.Rows} × {board.Columns} numbers";
        }

        if (NoLatinSquare(board, values) is { } fault)
        {
            return fault;
        }

        var (cages, signs, targets) = (data.IntRows("cages"), data.Texts("signs"), data.Ints("targets"));
        for (var i = 0; i < cages.Length; i++)
        {
            if (!Holds([.. cages[i].Select(cell => values[cell])], signs[i][0], targets[i]))
            {
                return $"cage {i + 1} does not give {targets[i]}";
            }
        }

        return null;
    }

    private static List<int[]> Cut(Board board, TaskRandom random, int largest)
    {
        var cages = new List<int[]>();
        var free = Enumerable.Range(0, board.Cells).ToHashSet();
        foreach (var start in Enumerable.Range(0, board.Cells))
        {
            if (!free.Remove(start))
            {
                continue;
            }

            var cage = new List<int> { start };
            for (var size = random.Range(2, largest); cage.Count < size;)
            {
                var beside = cage.SelectMany(board.Neighbours).Where(free.Contains).Distinct().Order().ToArray();
                if (beside.Length == 0)
                {
                    break;
                }

                cage.Add(random.Pick(beside));
                free.Remove(cage[^1]);
            }

            cages.Add([.. cage.Order()]);
        }

        return cages;
    }

    private static Cage Describe(TaskRandom random, int[] cells, int[] solution)
    {
        var values = cells.Select(cell => solution[cell]).ToArray();
        if (values.Length == 1)
        {
            return new Cage(cells, '=', values[0]);
        }

        var (high, low) = (values.Max(), values.Min());
        var sign = values.Length > 2 ? random.Pick(['+', '×']) : random.Pick<char>(high % low == 0 ? ['+', '×', '-', '÷'] : ['+', '×', '-']);
        return new Cage(cells, sign, sign switch { '+' => values.Sum(), '×' => values.Aggregate((a, b) => a * b), '-' => high - low, _ => high / low });
    }

    private static bool Holds(int[] values, char sign, int target) => sign switch
    {
        '=' => values[0] == target,
        '+' => values.Sum() == target,
        '×' => values.Aggregate(1L, (a, b) => a * b) == target,
        '-' => Math.Abs(values[0] - values[1]) == target,
        _ => values.Max() == target * values.Min(),
    };

    private static ConstraintSearch Rules(Board board, List<Cage> cages)
    {
        var search = LatinSquare(board);
        foreach (var cage in cages)
        {
            search.Add(new TestedRule(cage.Cells, values => Holds(values, cage.Sign, cage.Target), isDistinct: false));
        }

        return search;
    }
}
