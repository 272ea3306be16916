using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// A task: a named generator of problems with a difficulty knob, and a verifier of answers. A task has no state; the same level, seed and
/// language give the same instance everywhere. The problem depends on level and seed alone, its wording on the language too.
/// </summary>
/// <param name="name">Name on the command line, such as <c>sudoku</c>.</param>
/// <param name="description">One sentence: what is asked.</param>
/// <param name="levelMeaning">What the level counts.</param>
/// <param name="maxLevel">Hardest level; the easiest is 1.</param>
public abstract class ReasoningTask(string name, string description, string levelMeaning, int maxLevel)
{
    /// <summary>Longest boxed answer that is looked at, in UTF-16 units.</summary>
    public const int MaxAnswerLength = 20_000;

    private static readonly string[] englishBoxes =
    [
        "Put your final answer within \\boxed{}.",
        "Give the final answer in \\boxed{}.",
        "Please reason step by step, and put your final answer within \\boxed{}.",
    ];

    private static readonly string[] chineseBoxes =
    [
        "请把最终答案放在 \\boxed{} 中。",
        "最终答案写在 \\boxed{} 里。",
        "请一步一步推理，并把最终答案放在 \\boxed{} 中。",
    ];

    /// <summary>Name on the command line.</summary>
    public string Name { get; } = name;

    /// <summary>One sentence: what is asked.</summary>
    public string Description { get; } = description;

    /// <summary>What the level counts.</summary>
    public string LevelMeaning { get; } = levelMeaning;

    /// <summary>The easiest level.</summary>
    public int MinLevel => 1;

    /// <summary>The hardest level.</summary>
    public int MaxLevel { get; } = maxLevel;

    /// <summary>The languages of the prompts.</summary>
    public virtual IReadOnlyList<TaskLanguage> Languages => [TaskLanguage.English];

    /// <summary>False where prompts do not ask for <c>\boxed{}</c>, because their form alone says what is wanted.</summary>
    protected virtual bool AsksForBox => true;

    /// <summary>Makes one instance.</summary>
    /// <exception cref="InvalidInputException">The task lacks the level or the language.</exception>
    public TaskInstance Sample(int level, ulong seed, TaskLanguage language = TaskLanguage.English)
    {
        if (level < MinLevel || level > MaxLevel)
        {
            throw new InvalidInputException($"{Name}: level {level} does not exist; give {MinLevel} to {MaxLevel} ({LevelMeaning}).");
        }

        if (!Languages.Contains(language))
        {
            throw new InvalidInputException($"{Name}: no prompts in \"{language.Code()}\"; give {string.Join(" or ", Languages.Select(l => l.Code()))}.");
        }

        var random = TaskRandom.Named($"{Name}/{level}", seed);
        var problem = Generate(random, level, language);
        var box = random.Fork("box").Pick(language == TaskLanguage.Chinese ? chineseBoxes : englishBoxes);
        return new TaskInstance(Name, level, seed, language, AsksForBox ? $"{problem.Question}\n{box}" : problem.Question, problem.Gold, TaskJson.Compact(problem.Data), problem.Size)
        {
            Question = problem.Question,
            Reasoning = problem.Reasoning,
        };
    }

    /// <summary>Scores a reply. Whatever the reply holds, this neither throws nor takes long; a failing verifier gives an error verdict.</summary>
    /// <param name="instance">The instance that was asked.</param>
    /// <param name="reply">The whole reply of the model, thinking included.</param>
    public Verdict Verify(TaskInstance instance, string reply)
    {
        var answer = FinalAnswer.Extract(reply);
        return answer is null ? Verdict.Wrong("no \\boxed{} answer after the thinking", null) : Judge(instance, answer);
    }

    /// <summary>Scores the content of a <c>\boxed{}</c>.</summary>
    public Verdict Judge(TaskInstance instance, string answer)
    {
        if (answer.Length is 0 or > MaxAnswerLength)
        {
            return Verdict.Wrong(answer.Length == 0 ? "the answer is empty" : "the answer is too long", answer.Length == 0 ? answer : answer[..100]);
        }

        try
        {
            using var data = JsonDocument.Parse(instance.Data);
            return Fault(data.RootElement, instance.Gold, answer) is { } fault ? Verdict.Wrong(fault, answer) : Verdict.Right(answer);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return Verdict.Error($"{Name}: the verifier failed: {exception.Message}", answer); // The boundary of the grader.
        }
    }

    /// <summary>Checks that the gold answer of an instance scores 1.</summary>
    /// <exception cref="InvalidInputException">It does not: the instance is damaged or from another version.</exception>
    public void Validate(TaskInstance instance)
    {
        var verdict = Judge(instance, instance.Gold);
        if (verdict.Score < 1)
        {
            throw new InvalidInputException(
                $"{Name}, level {instance.Level}, seed {instance.Seed}: the gold answer does not verify ({verdict.Reason}). Sample the instance again.");
        }
    }

    /// <summary>Makes a problem. The problem is drawn from <paramref name="random"/>; wording comes from forks of it.</summary>
    protected abstract TaskProblem Generate(TaskRandom random, int level, TaskLanguage language);

    /// <summary>Says what is wrong with an answer; null when it is right. May throw only when the instance itself is damaged.</summary>
    protected abstract string? Fault(JsonElement data, string gold, string answer);
}
