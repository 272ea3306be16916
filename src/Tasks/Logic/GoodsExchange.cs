using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>People exchange what they hold, partly told in a roundabout way; who holds what in the end?</summary>
public sealed class GoodsExchange() : ReasoningTask("goods-exchange", "Who holds what after a chain of exchanges.", "people: level + 2; exchanges: 2·level", 8)
{
    private static readonly string[] goods = ["ball", "book", "coin", "drum", "flag", "lamp", "mask", "ring", "rope", "vase"];

    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var names = random.Draw(WordList.Names, level + 2);
        var held = random.Draw(goods, names.Length);
        var first = string.Join(", ", names.Select((name, i) => $"{name} has the {held[i]}"));
        var lines = new List<string>();
        for (var i = 0; i < 2 * level; i++)
        {
            var pair = random.Draw(Enumerable.Range(0, names.Length), 2);
            var (a, b) = (pair[0], pair[1]);
            lines.Add(random.Below(3) switch
            {
                0 => $"{names[a]} and {names[b]} exchange what they hold.",
                1 => $"{names[a]} exchanges with whoever holds the {held[b]}.",
                _ => $"The holder of the {held[a]} exchanges with the holder of the {held[b]}.",
            });
            (held[a], held[b]) = (held[b], held[a]);
        }

        var question = $"{first}. Then:\n{string.Join('\n', lines.Select((line, i) => $"{i + 1}. {line}"))}\nWho holds what in the end? Answer as name:thing for everyone, separated by commas.";
        var gold = string.Join(", ", names.Select((name, i) => $"{name}:{held[i]}"));
        return new TaskProblem(question, gold, new JsonObject { ["names"] = TaskJson.Array(names), ["held"] = TaskJson.Array(held), ["story"] = TaskJson.Array(lines) }, 2 * level);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var (names, held) = (data.Texts("names"), data.Texts("held"));
        var words = AnswerTokens.Words(answer.Replace("\\text", "", StringComparison.Ordinal).Replace(':', ' ').Replace('：', ' ')).Select(word => word.ToLowerInvariant()).ToArray();
        var given = words.Chunk(2).Where(pair => pair.Length == 2).Select(pair => (pair[0], pair[1])).ToHashSet();
        var wanted = names.Zip(held).Select(pair => (pair.First.ToLowerInvariant(), pair.Second));
        return words.Length == 2 * names.Length && given.SetEquals(wanted) ? null : "someone holds something else";
    }
}
