using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A word list is sorted by insertion, step by step, with at most one wrong step: which is the first wrong one?</summary>
public sealed class WordSortingErrors() : ReasoningTask("word-sorting-errors", "The first wrong step of a written sorting.", "words: level + 3; from 3 on letters of the alphabet change places", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (alphabet, change) = WordOrder.Draw(random, level < 3 ? 0 : level - 2);
        var words = random.Draw(WordList.All, level + 3);
        var wrong = random.OneIn(4) ? 0 : random.Range(2, words.Length);
        var lists = new List<string[]>();
        for (var step = 1; step <= words.Length; step++)
        {
            // A wrong place stays where it is; the words that follow are put before the first word that comes after them.
            var next = lists.Count == 0 ? [words[0]] : Insert(lists[^1], words[step - 1], alphabet);
            lists.Add(step == wrong ? Displace(random, next, words[step - 1]) : next);
        }

        var steps = string.Join('\n', lists.Select((list, i) => $"Step {i + 1}: put \"{words[i]}\" in its place: {string.Join(", ", list)}"));
        var question = $"Words are sorted in increasing alphabetical order by putting one after the other in its place in a list. {change}Words: {string.Join(", ", words)}\n\n{steps}\n\nWhich step is the first whose list is not in order? Answer with its number, or 0 if there is none.";
        return new TaskProblem(question, $"{wrong}", new JsonObject { ["lists"] = TaskJson.Array(lists.Select(list => string.Join(' ', list))), ["alphabet"] = alphabet }, words.Length);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var lists = data.Texts("lists");
        var alphabet = data.Text("alphabet");
        var first = Array.FindIndex(lists, list => !WordOrder.Sort(list.Split(' '), alphabet, true).SequenceEqual(list.Split(' '))) + 1;
        return AnswerTokens.Integers(answer) is [var step] && step == first ? null : "another step is the first wrong one";
    }

    private static string[] Insert(string[] list, string word, string alphabet)
    {
        var at = Array.FindIndex(list, other => WordOrder.Sort([word, other], alphabet, true)[0] == word);
        return at < 0 ? [.. list, word] : [.. list[..at], word, .. list[at..]];
    }

    private static string[] Displace(TaskRandom random, string[] list, string word)
    {
        var rest = list.Where(other => other != word).ToArray();
        var right = Array.IndexOf(list, word);
        var at = random.Pick(Enumerable.Range(0, list.Length).Where(place => place != right).ToArray());
        return [.. rest[..at], word, .. rest[at..]];
    }
}
