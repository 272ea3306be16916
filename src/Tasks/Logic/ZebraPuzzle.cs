using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Houses in a row and clues about who lives where (Einstein's puzzle); one solution.</summary>
public sealed class ZebraPuzzle() : ReasoningTask("zebra-puzzle", "Houses in a row and clues about who lives where.", "1: 3 houses with 2 kinds of things; up to 5 with 5", 6)
{
    private static readonly (int Houses, int Kinds)[] sizes = [(3, 2), (3, 3), (4, 3), (4, 4), (5, 4), (5, 5)];

    private static readonly (string Kind, string Sentence, string[] Values)[] attributes =
    [
        ("name", "{0}", ["Alice", "Bob", "Carol", "David", "Emma"]),
        ("color", "the owner of the {0} house", ["red", "green", "blue", "white", "yellow"]),
        ("pet", "the owner of the {0}", ["cat", "dog", "bird", "fish", "horse"]),
        ("drink", "the one who drinks {0}", ["tea", "coffee", "milk", "juice", "water"]),
        ("job", "the {0}", ["doctor", "baker", "pilot", "teacher", "artist"]),
    ];

    /// <summary>A clue about two things; numbered house · for 'at' the second is the house.</summary>
    private sealed record Clue(string Sign, int First, int Second);

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (houses, kinds) = sizes[level - 1];
        var things = houses * kinds;
        var place = Enumerable.Range(0, kinds).SelectMany(_ => random.Shuffled(Enumerable.Range(0, houses))).ToArray();
        var clues = random.Shuffled(TrueClues(place, houses)).ToList();
        clues = [.. clues.OrderBy(clue => clue.Sign == "at" ? 1 : 0)]; // Direct clues last, so that they are dropped last but few are needed.
        clues = Drop(random, clues, kept => Rules(houses, kinds, kept).IsUnique(200));
        var question = string.Join(
            '\n',
            [
                $"There are {houses} houses in a row, numbered 1 to {houses} from left to right. Each has one owner. The owners differ in: {string.Join("; ", attributes.Take(kinds).Select(a => $"{a.Kind} ({string.Join(", ", a.Values.Take(houses))})"))}.",
                .. clues.Select((clue, i) => $"{i + 1}. {Say(clue, houses)}"),
                $"Answer with one line for each house, from 1 to {houses}: {string.Join(", ", attributes.Take(kinds).Select(a => a.Kind))}, separated by spaces.",
            ]);
        var gold = string.Join('\n', Enumerable.Range(0, houses).Select(house => string.Join(' ', Enumerable.Range(0, kinds).Select(kind => attributes[kind].Values[Enumerable.Range(0, houses).First(i => place[(kind * houses) + i] == house)]))));
        var data = new JsonObject
        {
            ["houses"] = houses,
            ["kinds"] = kinds,
            ["signs"] = TaskJson.Array(clues.Select(clue => clue.Sign)),
            ["first"] = TaskJson.Array(clues.Select(clue => clue.First)),
            ["second"] = TaskJson.Array(clues.Select(clue => clue.Second)),
        };
        return new TaskProblem(question, gold, data, things);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var (houses, kinds) = (data.Int("houses"), data.Int("kinds"));
        if (AnswerTokens.Grid(answer, houses, kinds) is not { } cells)
        {
            return $"not {houses} lines of {kinds} words";
        }

        var place = new int[houses * kinds];
        Array.Fill(place, -1);
        for (var i = 0; i < cells.Length; i++)
        {
            var value = Array.FindIndex(attributes[i % kinds].Values, 0, houses, word => word.Equals(cells[i], StringComparison.OrdinalIgnoreCase));
            if (value < 0 || place[(i % kinds * houses) + value] >= 0)
            {
                return $"\"{cells[i]}\" is no {attributes[i % kinds].Kind} or occurs twice";
            }

            place[(i % kinds * houses) + value] = i / kinds;
        }

        var clues = data.Texts("signs").Select((sign, i) => new Clue(sign, data.Ints("first")[i], data.Ints("second")[i])).ToArray();
        var broken = Array.FindIndex(clues, clue => !Holds(clue.Sign, place[clue.First], clue.Sign == "at" ? clue.Second : place[clue.Second]));
        return broken < 0 ? null : $"clue {broken + 1} does not hold";
    }

    private static bool Holds(string sign, int first, int second) => sign switch
    {
        "at" or "same" => first == second,
        "left" => first < second,
        "directly" => first + 1 == second,
        _ => Math.Abs(first - second) == 1,
    };

    private static IEnumerable<Clue> TrueClues(int[] place, int houses)
    {
        for (var a = 0; a < place.Length; a++)
        {
            yield return new Clue("at", a, place[a]);
            for (var b = 0; b < place.Length; b++)
            {
                var differ = a / houses != b / houses;
                foreach (var sign in a == b ? [] : new[] { "same", "left", "directly", "beside" })
                {
                    if ((sign is not ("same" or "beside") || a < b) && (sign != "same" || differ) && Holds(sign, place[a], place[b]))
                    {
                        yield return new Clue(sign, a, b);
                    }
                }
            }
        }
    }

    /// <summary>Leaves clues out, in halves first, as long as the rest suffices.</summary>
    private static List<Clue> Drop(TaskRandom random, List<Clue> clues, Func<List<Clue>, bool> suffices)
    {
        for (var chunk = clues.Count / 2; chunk > 0; chunk /= 2)
        {
            for (var start = clues.Count - chunk; start >= 0; start -= chunk)
            {
                List<Clue> kept = [.. clues[..start], .. clues[(start + chunk)..]];
                clues = suffices(kept) ? kept : clues;
            }
        }

        return [.. random.Shuffled(clues)];
    }

    private static string Say(Clue clue, int houses)
    {
        string Thing(int thing) => string.Format(System.Globalization.CultureInfo.InvariantCulture, attributes[thing / houses].Sentence, attributes[thing / houses].Values[thing % houses]);
        var text = clue.Sign switch
        {
            "at" => $"{Thing(clue.First)} lives in house {clue.Second + 1}.",
            "same" => $"{Thing(clue.First)} is {Thing(clue.Second)}.",
            "left" => $"{Thing(clue.First)} lives somewhere to the left of {Thing(clue.Second)}.",
            "directly" => $"{Thing(clue.First)} lives directly to the left of {Thing(clue.Second)}.",
            _ => $"{Thing(clue.First)} and {Thing(clue.Second)} live next to each other.",
        };
        return char.ToUpperInvariant(text[0]) + text[1..];
    }

    /// <summary>Variables are the things, values their houses.</summary>
    private static ConstraintSearch Rules(int houses, int kinds, List<Clue> clues)
    {
        var search = new ConstraintSearch(houses * kinds, ConstraintSearch.Values(0, houses - 1));
        for (var kind = 0; kind < kinds; kind++)
        {
            search.Add(new AllDifferent([.. Enumerable.Range(kind * houses, houses)]));
        }

        foreach (var clue in clues)
        {
            if (clue.Sign == "at")
            {
                search.Fix(clue.First, clue.Second);
            }
            else
            {
                search.Add(new PairRule(clue.First, clue.Second, first => Enumerable.Range(0, houses).Where(second => Holds(clue.Sign, first, second)).Aggregate(0UL, (mask, second) => mask | (1UL << second))));
            }
        }

        return search;
    }
}
