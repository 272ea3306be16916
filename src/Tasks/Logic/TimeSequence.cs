using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>The earliest time at which all people are free for long enough.</summary>
public sealed class TimeSequence() : ReasoningTask("time-sequence", "The earliest time at which all are free for long enough.", "people: level + 1, each with level + 1 appointments, four at most", 6)
{
    private const int Open = 9 * 60;
    private const int Close = 18 * 60;

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        while (true)
        {
            var length = 15 * random.Range(2, 4);
            var people = Enumerable.Range(0, level + 1).Select(_ => Busy(random, Math.Min(4, level + 1))).ToArray();
            if (Earliest(people.SelectMany(busy => busy), length) is not { } start || start == Open)
            {
                continue;
            }

            var names = random.Draw(WordList.Names, people.Length);
            var lines = people.Select((busy, i) => $"{names[i]} is busy {string.Join(", ", busy.Select(span => $"{Clock(span.From)}-{Clock(span.To)}"))}.");
            var question = $"Everyone works from {Clock(Open)} to {Clock(Close)}.\n{string.Join('\n', lines)}\nWhen can all of them first meet for {length} minutes without a break? Answer with the start as HH:MM.";
            var data = new JsonObject { ["length"] = length, ["busy"] = TaskJson.Array(people.SelectMany(busy => busy).SelectMany(span => new[] { span.From, span.To })) };
            return new TaskProblem(question, Clock(start), data, people.Sum(busy => busy.Count));
        }
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var busy = data.Ints("busy").Chunk(2).Select(span => (span[0], span[1]));
        var wanted = Clock(Earliest(busy, data.Int("length"))!.Value);
        var given = answer.Trim('$', ' ', '.').Replace("：", ":", StringComparison.Ordinal).Replace("\\text", "", StringComparison.Ordinal).Trim('{', '}').TrimStart('0');
        return given == wanted.TrimStart('0') ? null : "not the earliest common time";
    }

    private static string Clock(int minutes) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{minutes / 60:00}:{minutes % 60:00}");

    private static List<(int From, int To)> Busy(TaskRandom random, int count)
    {
        var edges = random.Draw(Enumerable.Range(Open / 15, ((Close - Open) / 15) + 1), 2 * count).Order().ToArray();
        return [.. edges.Chunk(2).Select(pair => (pair[0] * 15, pair[1] * 15))];
    }

    private static int? Earliest(IEnumerable<(int From, int To)> busy, int length)
    {
        var start = Open;
        foreach (var (from, to) in busy.OrderBy(span => span.From))
        {
            if (from - start >= length)
            {
                break;
            }

            start = Math.Max(start, to);
        }

        return Close - start >= length ? start : null;
    }
}
