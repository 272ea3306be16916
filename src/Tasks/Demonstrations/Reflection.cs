namespace MiniMaxSharp.Tasks;

/// <summary>Puts one error into a derivation, which is noticed and corrected at once, so that a model learns to look back.</summary>
internal static class Reflection
{
    /// <summary>
    /// The derivation with a wrong result in the last line that holds the gold answer, followed by a second look at that line. The wrong result
    /// is one that the task's verifier refuses. Null where no line holds the answer or no wrong result is found.
    /// </summary>
    public static string? Apply(TaskInstance instance, string reasoning, TaskRandom random)
    {
        var lines = reasoning.Split('\n');
        var at = Array.FindLastIndex(lines, line => PlaceOf(instance.Gold, line) >= 0);
        if (at < 0 || WrongAnswer(instance, random) is not { } wrong)
        {
            return null;
        }

        var place = PlaceOf(instance.Gold, lines[at]);
        var slipped = string.Concat(lines[at].AsSpan(0, place), wrong, lines[at].AsSpan(place + instance.Gold.Length));
        var doubt = instance.Language == TaskLanguage.Chinese
            ? random.Pick(["等等，让我再检查一遍。", "等一下，这一步不对。"])
            : random.Pick(["Wait, let me check that again.", "Wait, that does not look right."]);
        return string.Join('\n', [.. lines[..at], slipped, doubt, .. lines[at..]]);
    }

    /// <summary>Where the answer stands as a whole: at the end of a line, or before something that does not continue a number or word.</summary>
    private static int PlaceOf(string gold, string line)
    {
        for (var at = line.LastIndexOf(gold, StringComparison.Ordinal); at >= 0; at = at == 0 ? -1 : line.LastIndexOf(gold, at - 1, StringComparison.Ordinal))
        {
            var end = at + gold.Length;
            var startsWhole = at == 0 || line[at - 1] is ' ' or '(' or '=';
            if (startsWhole && (end == line.Length || !(char.IsLetterOrDigit(line[end]) || line[end] is '/' or '^')))
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>The gold answer with one digit changed.</summary>
    private static string? WrongAnswer(TaskInstance instance, TaskRandom random)
    {
        var task = TaskCatalog.Get(instance.Task);
        var places = Enumerable.Range(0, instance.Gold.Length).Where(i => char.IsAsciiDigit(instance.Gold[i])).ToArray();
        foreach (var place in random.Shuffled(places))
        {
            var digit = (char)('1' + ((instance.Gold[place] - '0' + random.Below(8)) % 9));
            var wrong = string.Concat(instance.Gold.AsSpan(0, place), [digit], instance.Gold.AsSpan(place + 1));
            if (wrong != instance.Gold && task.Judge(instance, wrong) is { Score: 0, IsError: false })
            {
                return wrong;
            }
        }

        return null;
    }
}
