using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>Letters stand for digits in an addition; one solution.</summary>
public sealed class Cryptarithm() : ReasoningTask("cryptarithm", "Letters stand for digits in an addition.", "digits of the longer number, less 1", 5)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        while (true)
        {
            var (a, b) = (random.WithDigits(level + 1), random.WithDigits(random.Range(Math.Max(1, level), level + 1)));
            var letters = random.Draw("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10);
            string[] words = [Write(a, letters), Write(b, letters), Write(a + b, letters)];
            var used = string.Concat(words).Distinct().Order().ToArray();
            if (Rules(words, used).IsUnique(3_000))
            {
                var question = $"Each letter stands for one digit, different letters for different digits, and no number begins with 0. Find the digits:\n\n{words[0]} + {words[1]} = {words[2]}\n\nAnswer with one equation for each letter, such as A=1, B=2.";
                var gold = string.Join(", ", used.Select(letter => $"{letter}={Array.IndexOf(letters, letter)}"));
                return new TaskProblem(question, gold, new JsonObject { ["words"] = TaskJson.Array(words) }, words[2].Length + used.Length);
            }
        }
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var words = data.Texts("words");
        var digits = new Dictionary<char, int>();
        foreach (var part in AnswerTokens.Words(answer.Replace("=", " ", StringComparison.Ordinal)).Chunk(2))
        {
            if (part.Length != 2 || part[0].Length != 1 || part[1].Length != 1 || !char.IsAsciiDigit(part[1][0]) || !digits.TryAdd(part[0][0], part[1][0] - '0'))
            {
                return "not a list such as A=1, B=2";
            }
        }

        if (!string.Concat(words).ToHashSet().SetEquals(digits.Keys) || digits.Values.Distinct().Count() != digits.Count)
        {
            return "not one digit of its own for each letter";
        }

        var numbers = words.Select(word => word.Aggregate(0L, (number, letter) => (number * 10) + digits[letter])).ToArray();
        return words.Any(word => digits[word[0]] == 0) ? "a number begins with 0" : numbers[0] + numbers[1] == numbers[2] ? null : "the sum does not hold";
    }

    private static string Write(long number, char[] letters) => string.Concat(number.ToString(System.Globalization.CultureInfo.InvariantCulture).Select(digit => letters[digit - '0']));

    /// <summary>Variables are the letters, then the carry out of each column.</summary>
    private static ConstraintSearch Rules(string[] words, char[] used)
    {
        var columns = words[2].Length;
        var search = new ConstraintSearch(used.Length + columns, ConstraintSearch.Values(0, 9));
        search.Add(new AllDifferent([.. Enumerable.Range(0, used.Length)]));
        for (var column = 0; column < columns; column++)
        {
            var terms = new List<(int Variable, int Weight)>();
            for (var word = 0; word < 3; word++)
            {
                if (column < words[word].Length)
                {
                    terms.Add((Array.IndexOf(used, words[word][^(column + 1)]), word == 2 ? -1 : 1));
                }
            }

            search.Restrict(used.Length + column, column == columns - 1 ? 1UL : 3UL);
            terms.Add((used.Length + column, -10));
            if (column > 0)
            {
                terms.Add((used.Length + column - 1, 1));
            }

            search.Add(new LinearSum([.. terms.Select(term => term.Variable)], [.. terms.Select(term => term.Weight)], 0, 0));
        }

        foreach (var word in words)
        {
            search.Restrict(Array.IndexOf(used, word[0]), ~1UL);
        }

        return search;
    }
}
