using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>All tasks that can be sampled by name.</summary>
public static class TaskCatalog
{
    /// <summary>The arithmetic family and the puzzles that a small model can learn with a derivation, then the logic puzzles.</summary>
    public static IReadOnlyList<ReasoningTask> All { get; } =
    [
        .. IntegerArithmetic.All,
        new SumOfThree(),
        new ArithmeticChain(),
        new Comparison(),
        new LinearEquation(),
        new Fractions(),
        new ModularArithmetic(),
        .. Countdown.All,
        new NumberSorting(),
        new LetterCounting(),
        .. BracketCompletion.All,
        new BooleanExpressions(),
        new WebOfLies(),
        new ObjectCounting(),
        new Operation(),
        new Sudoku(),
        new Futoshiki(),
        new Calcudoku(),
        new Skyscraper(),
        new StarPlacement(),
        new Kukurasu(),
        new Survo(),
        new Numbrix(),
        new NumberWall(),
        new Minesweeper(),
        new Norinori(),
        new Campsite(),
        new ArrowMaze(),
        new MathPath(),
        new Cryptarithm(),
        new DyckErrors(),
        new ZebraPuzzle(),
        new WordSorting(),
        new WordSortingErrors(),
        new TimeSequence(),
        new GoodsExchange(),
        new SpaceReasoning(),
    ];

    /// <summary>The task of a name.</summary>
    /// <exception cref="InvalidInputException">No task has the name; the message lists them.</exception>
    public static ReasoningTask Get(string name) =>
        All.FirstOrDefault(task => task.Name == name)
        ?? throw new InvalidInputException($"There is no task \"{name}\". The tasks are: {string.Join(", ", All.Select(task => task.Name))}.");
}
