using System.Text.Json;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// A task of the arithmetic family: asked in several natural phrasings, in English and Chinese, with a derivation; the answer is one value,
/// compared exactly.
/// </summary>
public abstract class ArithmeticTask(string name, string description, string levelMeaning, int maxLevel)
    : ReasoningTask(name, description, levelMeaning, maxLevel)
{
    /// <inheritdoc/>
    public override IReadOnlyList<TaskLanguage> Languages => [TaskLanguage.English, TaskLanguage.Chinese];

    /// <summary>One of the phrasings, with <c>{0}</c>, <c>{1}</c> … replaced.</summary>
    protected static string Ask(TaskRandom random, TaskLanguage language, string[] english, string[] chinese, params object[] values)
    {
        var phrase = random.Fork($"phrase/{language.Code()}").Pick(language == TaskLanguage.Chinese ? chinese : english);
        return string.Format(System.Globalization.CultureInfo.InvariantCulture, phrase, values);
    }

    /// <summary>The notebook of the chain of thought.</summary>
    private protected static Derivation Think(TaskRandom random, TaskLanguage language) => new(random.Fork("derivation"), language);

    /// <inheritdoc/>
    protected override string? Fault(JsonElement data, string gold, string answer) => AnswerChecker.Equal(gold, answer) ? null : "differs from the gold answer";
}
