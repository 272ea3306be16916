using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Words in the order of an alphabet that is changed at higher levels.</summary>
public sealed class WordSorting() : ReasoningTask("word-sorting", "Words in the order of a given alphabet.", "words: 2·level + 1; from 3 on letters of the alphabet change places", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var (alphabet, change) = WordOrder.Draw(random, level < 3 ? 0 : level - 2);
        var words = random.Draw(WordList.All, (2 * level) + 1);
        var isIncreasing = random.OneIn(2);
        var sorted = WordOrder.Sort(words, alphabet, isIncreasing);
        var question = $"Sort these words in {(isIncreasing ? "increasing" : "decreasing")} alphabetical order. {change}Words: {string.Join(", ", words)}\nAnswer with the words separated by commas.";
        var data = new JsonObject { ["words"] = TaskJson.Array(words), ["alphabet"] = alphabet, ["increasing"] = isIncreasing };
        return new TaskProblem(question, string.Join(", ", sorted), data, words.Length);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var sorted = WordOrder.Sort(data.Texts("words"), data.Text("alphabet"), data.GetProperty("increasing").GetBoolean());
        var given = AnswerTokens.Words(answer.Replace("\\text", "", StringComparison.Ordinal)).Select(word => word.ToLowerInvariant());
        return given.SequenceEqual(sorted) ? null : "not the given words in order";
    }
}

/// <summary>The order of words by an alphabet.</summary>
internal static class WordOrder
{
    private const string Usual = "abcdefghijklmnopqrstuvwxyz";

    /// <summary>An alphabet in which some letters moved to the front or the end, and the sentence that says so.</summary>
    public static (string Alphabet, string Change) Draw(TaskRandom random, int moves)
    {
        var alphabet = Usual;
        var sentences = new List<string>();
        foreach (var letter in random.Draw(Usual, moves))
        {
            var toFront = random.OneIn(2);
            alphabet = alphabet.Replace(letter.ToString(), "", StringComparison.Ordinal);
            alphabet = toFront ? letter + alphabet : alphabet + letter;
            sentences.Add($"{letter} becomes the {(toFront ? "first" : "last")} letter");
        }

        return (alphabet, moves == 0 ? "" : $"The alphabet is changed one letter after the other: {string.Join("; then ", sentences)}. ");
    }

    public static string[] Sort(IEnumerable<string> words, string alphabet, bool isIncreasing)
    {
        string Key(string word) => string.Concat(word.Select(letter => (char)('a' + alphabet.IndexOf(letter, StringComparison.Ordinal))));
        return isIncreasing ? [.. words.OrderBy(Key, StringComparer.Ordinal)] : [.. words.OrderByDescending(Key, StringComparer.Ordinal)];
    }
}
