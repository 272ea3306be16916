using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>A written check of a bracket sequence, step by step, with wrong steps in it: which steps are wrong?</summary>
public sealed class DyckErrors() : ReasoningTask("dyck-errors", "The wrong steps of a written check of a bracket sequence.", "pairs of brackets: 2·level + 2", 8)
{
    /// <inheritdoc/>
    protected override TaskProblem Generate(TaskRandom random, int level, TaskLanguage language)
    {
        var word = DyckWord.Random(random, (2 * level) + 2, 4);
        var shown = word[..(word.Length - random.Range(1, 2))];
        var stacks = Enumerable.Range(1, shown.Length).Select(length => DyckWord.Open(shown[..length])!).ToArray();
        var wrong = random.Draw(Enumerable.Range(0, shown.Length), random.Range(0, 2)).Order().ToArray();
        var written = stacks.Select((stack, i) => wrong.Contains(i) ? Spoil(random, stack) : stack).ToArray();
        var steps = string.Join('\n', written.Select((stack, i) => $"Step {i + 1}: read {shown[i]} ; open now: {(stack.Length == 0 ? "nothing" : stack)}"));
        var question = $"A sequence of brackets is read from left to right: {shown}\nEach step lists the brackets that are open after it, outermost first. Every step is to be judged against the sequence itself, not against the step before it.\n\n{steps}\n\nWhich steps are wrong? Answer with their numbers separated by commas, or 0 if all are right.";
        var gold = wrong.Length == 0 ? "0" : string.Join(", ", wrong.Select(step => step + 1));
        return new TaskProblem(question, gold, new JsonObject { ["sequence"] = shown, ["stacks"] = TaskJson.Array(written) }, shown.Length);
    }

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer)
    {
        var (sequence, stacks) = (data.Text("sequence"), data.Texts("stacks"));
        var wrong = Enumerable.Range(1, stacks.Length).Where(step => DyckWord.Open(sequence[..step]) != stacks[step - 1]).DefaultIfEmpty(0);
        return AnswerTokens.Integers(answer) is { } given && given.Order().SequenceEqual(wrong) ? null : "other steps are wrong";
    }

    private static string Spoil(TaskRandom random, string stack)
    {
        var extra = random.Pick(["(", "[", "<", "{"]);
        return stack.Length == 0 || random.OneIn(2) ? stack + extra : stack[..^1];
    }
}
