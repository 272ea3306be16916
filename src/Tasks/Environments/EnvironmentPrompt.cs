using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// A start of an environment by name, level, seed and language: a name of <see cref="TaskCatalog"/> is one question; <c>calculator/</c> before it gives the
/// policy a calculator; <c>order-desk</c> is <see cref="OrderDeskEnvironment"/>. Gives fresh environments, one for each roll-out of a group.
/// </summary>
public sealed class EnvironmentPrompt
{
    /// <summary>Name of the environment with a customer and a database.</summary>
    public const string OrderDesk = "order-desk";

    private const string CalculatorPrefix = "calculator/";

    private EnvironmentPrompt(string name, TaskInstance? instance, OrderDeskScenario? scenario)
    {
        Name = name;
        Instance = instance;
        Scenario = scenario;
    }

    /// <summary>Name of the environment.</summary>
    public string Name { get; }

    /// <summary>The question; null where the environment asks none.</summary>
    public TaskInstance? Instance { get; }

    /// <summary>The scenario; null for questions.</summary>
    public OrderDeskScenario? Scenario { get; }

    /// <summary>True where the policy may call a calculator.</summary>
    public bool HasCalculator => Name.StartsWith(CalculatorPrefix, StringComparison.Ordinal);

    /// <summary>Difficulty.</summary>
    public int Level => Instance?.Level ?? Scenario!.Level;

    /// <summary>Seed it was drawn with.</summary>
    public ulong Seed => Instance?.Seed ?? Scenario!.Seed;

    /// <summary>Identifier of the prompt.</summary>
    public string Id => Instance?.Id ?? Scenario!.Id;

    /// <summary>Which stage may see it.</summary>
    public TaskSplit Split => Instance?.Split ?? Scenario!.Split;

    /// <summary>Draws a prompt.</summary>
    /// <exception cref="InvalidInputException">There is no such environment, level or language.</exception>
    public static EnvironmentPrompt Sample(string name, int level, ulong seed, TaskLanguage language = TaskLanguage.English) =>
        name != OrderDesk ? new EnvironmentPrompt(name, TaskOf(name).Sample(level, seed, language), null)
        : language == TaskLanguage.English ? new EnvironmentPrompt(name, null, OrderDeskScenario.Sample(level, seed))
        : throw new InvalidInputException($"{OrderDesk}: no prompts in \"{language.Code()}\"; give en.");

    /// <summary>The hardest level of an environment.</summary>
    /// <exception cref="InvalidInputException">There is no such environment.</exception>
    public static int MaxLevel(string name) => name == OrderDesk ? OrderDeskScenario.MaxLevel : TaskOf(name).MaxLevel;

    /// <summary>The languages of an environment.</summary>
    /// <exception cref="InvalidInputException">There is no such environment.</exception>
    public static IReadOnlyList<TaskLanguage> Languages(string name) => name == OrderDesk ? [TaskLanguage.English] : TaskOf(name).Languages;

    /// <summary>A fresh environment.</summary>
    /// <param name="formatWeight">Weight of the format reward of questions; 0 leaves it out.</param>
    /// <param name="customer">Who plays the customer; null is the script.</param>
    public IEnvironment Create(double formatWeight = 0, CustomerTurn? customer = null) =>
        Scenario is not null ? new OrderDeskEnvironment(Scenario, customer)
        : HasCalculator ? new CalculatorEnvironment(Instance!, formatWeight)
        : new SingleTurnEnvironment(Instance!, formatWeight);

    private static ReasoningTask TaskOf(string name) => TaskCatalog.Get(name.StartsWith(CalculatorPrefix, StringComparison.Ordinal) ? name[CalculatorPrefix.Length..] : name);
}
