using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// A database of customers and orders, a customer with wishes, and the state that the database must have at the end; follows from level and
/// seed. Level n has (n + 1) / 2 wishes; from level 2 on some must be refused.
/// </summary>
public sealed class OrderDeskScenario
{
    /// <summary>The hardest level.</summary>
    public const int MaxLevel = 8;

    /// <summary>What the agent is told: the keys, and the rules that it must keep.</summary>
    public const string Policy =
        "You are the order desk of a shop. The database has keys customer/<number>/name and /city, and order/<number>/customer, /item, /quantity and /status.\n"
        + "Rules: An order may be cancelled (status cancelled) or changed only while its status is pending; otherwise tell the customer its status. "
        + "Change a customer's data only if the name that the customer gives is the one in the database; otherwise say that the name does not match. "
        + "Change nothing that was not asked for. When a wish is done or refused, answer the customer without calling a tool.";

    private static readonly string[] names = ["Ann Berg", "Bo Chen", "Cleo Diaz", "Dan Ek", "Eva Fox", "Finn Gray", "Gus Holm", "Hui Lin", "Ida Moss", "Jon Nash", "Kim Oda", "Lea Park"];
    private static readonly string[] cities = ["Lyon", "Oslo", "Turin", "Porto", "Ghent", "Basel", "Malmo", "Xi'an", "Kyoto", "Quito", "Perth", "Leeds"];
    private static readonly string[] items = ["desk lamp", "tea kettle", "wool scarf", "board game", "garden hose", "wall clock", "rain coat", "paint set", "steel pan", "chess set"];
    private readonly Dictionary<string, string> entries;

    private OrderDeskScenario(int level, ulong seed, Dictionary<string, string> entries, IReadOnlyList<OrderDeskGoal> goals)
    {
        Level = level;
        Seed = seed;
        this.entries = entries;
        Goals = goals;
        var store = CreateStore();
        foreach (var goal in goals)
        {
            Tool.Answer(store.Tools, goal.Calls);
        }

        FinalHash = store.Hash();
        Key = TaskInstance.Hash($"order-desk\n{CreateStore().Hash()}\n{FinalHash}\n{string.Join('\n', goals.Select(goal => goal.Says))}");
    }

    /// <summary>Difficulty.</summary>
    public int Level { get; }

    /// <summary>Seed it was drawn with.</summary>
    public ulong Seed { get; }

    /// <summary>Hash of the database after an agent that does right.</summary>
    public string FinalHash { get; }

    /// <summary>What the customer says first, and after each answer.</summary>
    public IReadOnlyList<string> Wishes => [.. Goals.Select(goal => goal.Says)];

    /// <summary>Identifier of the scenario.</summary>
    public string Id => Key[..16];

    /// <summary>Which stage may see the scenario.</summary>
    public TaskSplit Split => TaskInstance.SplitOf(Key);

    internal IReadOnlyList<OrderDeskGoal> Goals { get; }

    private string Key { get; }

    /// <summary>Draws a scenario.</summary>
    /// <exception cref="InvalidInputException">There is no such level.</exception>
    public static OrderDeskScenario Sample(int level, ulong seed)
    {
        if (level is < 1 or > MaxLevel)
        {
            throw new InvalidInputException($"order-desk: level {level} does not exist; give 1 to {MaxLevel} (wishes of the customer).");
        }

        var random = TaskRandom.Named($"order-desk/{level}", seed);
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        var people = random.Draw(names, 2 + ((level + 1) / 2)).Select(name => (Number: $"C{random.Range(100, 999)}", Name: name)).DistinctBy(person => person.Number).ToArray();
        foreach (var (number, name) in people)
        {
            entries[$"customer/{number}/name"] = name;
            entries[$"customer/{number}/city"] = random.Pick(cities);
        }

        var orders = random.Draw(Enumerable.Range(1000, 9000), 4 + level);
        foreach (var (i, order) in orders.Index())
        {
            entries[$"order/{order}/customer"] = random.Pick(people).Number;
            entries[$"order/{order}/item"] = random.Pick(items);
            entries[$"order/{order}/quantity"] = random.Range(1, 5).ToString(CultureInfo.InvariantCulture);
            entries[$"order/{order}/status"] = i % 2 == 0 ? "pending" : "shipped";
        }

        return new OrderDeskScenario(level, seed, entries, DrawGoals(random, level, entries, orders, people));
    }

    /// <summary>A database in the state of the beginning.</summary>
    public KeyValueStore CreateStore() => new(entries);

    /// <summary>True when the database is as it must be at the end, and for each wish one reply holds the texts that the customer must hear.</summary>
    public bool IsFulfilled(KeyValueStore store, IReadOnlyList<string> replies) => store.Hash() == FinalHash && Goals.All(goal => goal.IsAnswered(replies));

    private static List<OrderDeskGoal> DrawGoals(
        TaskRandom random, int level, Dictionary<string, string> entries, int[] orders, (string Number, string Name)[] people)
    {
        var (pending, shipped) = (new Queue<int>(orders.Where((_, i) => i % 2 == 0)), new Queue<int>(orders.Where((_, i) => i % 2 == 1)));
        var customers = new Queue<(string Number, string Name)>(people);
        var goals = new List<OrderDeskGoal>();
        while (goals.Count < (level + 1) / 2)
        {
            switch (random.Below(level == 1 ? 4 : 6))
            {
                case 0 when pending.TryDequeue(out var order):
                    goals.Add(OrderDeskGoals.Cancel(random, order));
                    break;
                case 1 when pending.TryDequeue(out var order):
                    goals.Add(OrderDeskGoals.Quantity(random, order, random.Range(6, 20)));
                    break;
                case 2 when pending.TryDequeue(out var order):
                    goals.Add(OrderDeskGoals.Item(random, order, entries[$"order/{order}/item"]));
                    break;
                case 3 when customers.TryDequeue(out var person):
                    goals.Add(OrderDeskGoals.Move(random, person.Number, person.Name, OtherThan(random, cities, entries[$"customer/{person.Number}/city"])));
                    break;
                case 4 when shipped.TryDequeue(out var order):
                    goals.Add(OrderDeskGoals.CancelShipped(random, order));
                    break;
                case 5 when customers.TryDequeue(out var person):
                    goals.Add(OrderDeskGoals.MoveStranger(random, person.Number, OtherThan(random, names, person.Name), random.Pick(cities)));
                    break;
            }
        }

        return goals;
    }

    private static string OtherThan(TaskRandom random, string[] texts, string text) => random.Pick([.. texts.Where(one => one != text)]);
}
