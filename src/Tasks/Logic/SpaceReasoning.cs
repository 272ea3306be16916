using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Places are described relative to each other; where does one lie, seen from another?</summary>
public sealed class SpaceReasoning() : ReasoningTask("space-reasoning", "Where a place lies, from descriptions of other places.", "places: level + 2; from 4 on also diagonal directions", 8)
{
    private static readonly string[] places = ["library", "museum", "station", "market", "school", "harbor", "park", "theater", "bakery", "castle", "bridge", "tower"];
    private static readonly (string Name, int East, int North)[] directions =
        [("east", 1, 0), ("west", -1, 0), ("north", 0, 1), ("south", 0, -1), ("northeast", 1, 1), ("southwest", -1, -1), ("northwest", -1, 1), ("southeast", 1, -1)];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var names = random.Draw(places, level + 2);
        var at = new (int East, int North)[names.Length];
        var lines = new List<string>();
        for (var i = 1; i < names.Length; i++)
        {
            var from = random.OneIn(2) ? i - 1 : random.Below(i);
            var (name, east, north) = directions[random.Below(level < 4 ? 4 : 8)];
            var steps = random.Range(1, 9);
            at[i] = (at[from].East + (east * steps), at[from].North + (north * steps));
            var isDiagonal = east != 0 && north != 0;
            lines.Add(isDiagonal
                ? $"The {names[i]} is {steps} km {(north > 0 ? "north" : "south")} and {steps} km {(east > 0 ? "east" : "west")} of the {names[from]}."
                : $"The {names[i]} is {steps} km {name} of the {names[from]}.");
        }

        var (start, end) = (random.OneIn(2) ? 0 : random.Below(names.Length - 1), names.Length - 1);
        var (x, y) = (at[end].East - at[start].East, at[end].North - at[start].North);
        var question = $"{string.Join(' ', random.Shuffled(lines))}\nWhere is the {names[end]}, seen from the {names[start]}? Answer as (x, y): x kilometres to the east and y to the north, negative for west and south.";
        return new TaskProblem(question, $"({x}, {y})", new JsonObject { ["story"] = TaskJson.Array(lines), ["x"] = x, ["y"] = y }, names.Length);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer) =>
        AnswerTokens.Integers(answer) is [var x, var y] && x == data.Int("x") && y == data.Int("y") ? null : "another place";
}
