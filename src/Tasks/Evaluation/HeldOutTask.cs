using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>A task at one level, as part of an evaluation.</summary>
/// <param name="Name">A name of <see cref="EnvironmentPrompt"/>.</param>
/// <param name="Level">Difficulty.</param>
public sealed record HeldOutTask(string Name, int Level)
{
    // A task with few problems may have none of a part among its next seeds.
    private const int MostTries = 2_000;

    /// <summary>The tasks of <c>NAME</c> (level 1), <c>NAME:LEVEL</c> or <c>NAME:FIRST-LAST</c>.</summary>
    /// <exception cref="InvalidInputException">There is no such task or level.</exception>
    public static IEnumerable<HeldOutTask> Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var name = colon < 0 ? text : text[..colon];
        var most = EnvironmentPrompt.MaxLevel(name);
        var levels = (colon < 0 ? "1" : text[(colon + 1)..]).Split('-');
        var isRange = int.TryParse(levels[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            & int.TryParse(levels[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last);
        if (!isRange || levels.Length > 2 || first < 1 || last > most || first > last)
        {
            throw new InvalidInputException($"{text}: write NAME, NAME:LEVEL or NAME:FIRST-LAST with levels of 1 to {most}, such as {name}:1-{most}.");
        }

        return Enumerable.Range(first, last - first + 1).Select(level => new HeldOutTask(name, level));
    }

    /// <summary>
    /// Different prompts of one part, in the order of their seeds; fewer where the task has no more. The same problem in other words is another prompt.
    /// </summary>
    /// <param name="split">The part.</param>
    /// <param name="language">Language of the prompts.</param>
    /// <param name="seed">First seed that is tried.</param>
    public IEnumerable<EnvironmentPrompt> Prompts(TaskSplit split, TaskLanguage language, ulong seed)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var misses = 0; misses < MostTries; seed++)
        {
            var prompt = EnvironmentPrompt.Sample(Name, Level, seed, language);
            if (prompt.Split == split && seen.Add(prompt.Id))
            {
                misses = 0;
                yield return prompt;
            }
            else
            {
                misses++;
            }
        }
    }
}
