using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>One wish of the customer, with what is right to do about it.</summary>
/// <param name="Says">The customer's words.</param>
/// <param name="Calls">The calls of an agent that does right, in order: those that look, then those that change.</param>
/// <param name="Thought">Why, as the agent might think it.</param>
/// <param name="Reply">What the agent then says.</param>
/// <param name="Outputs">Texts that a right reply holds all together, in any case of letters.</param>
internal sealed record OrderDeskGoal(string Says, IReadOnlyList<ToolCall> Calls, string Thought, string Reply, IReadOnlyList<string> Outputs)
{
    /// <summary>True when one of the replies holds the texts.</summary>
    public bool IsAnswered(IReadOnlyList<string> replies) =>
        Outputs.Count == 0 || replies.Any(reply => Outputs.All(output => reply.Contains(output, StringComparison.OrdinalIgnoreCase)));
}

/// <summary>Makes the wishes of a scenario; every one concerns an order or customer of its own, so that their order does not matter.</summary>
internal static class OrderDeskGoals
{
    /// <summary>Cancels an order that is pending.</summary>
    public static OrderDeskGoal Cancel(TaskRandom random, int order) => new(
        random.Pick([$"Please cancel my order {order}.", $"I no longer want order {order}. Cancel it, please.", $"Can you cancel order {order} for me?"]),
        [Get($"order/{order}/status"), Set($"order/{order}/status", "cancelled")],
        $"Only a pending order may be cancelled, so I look at the status of order {order} before I change it.",
        $"Order {order} is cancelled.",
        []);

    /// <summary>Asks to cancel an order that was shipped: nothing may change.</summary>
    public static OrderDeskGoal CancelShipped(TaskRandom random, int order) => new(
        random.Pick([$"Please cancel my order {order}.", $"I changed my mind about order {order}, cancel it.", $"Cancel order {order}, would you?"]),
        [Get($"order/{order}/status")],
        $"Only a pending order may be cancelled, so I look at the status of order {order} first.",
        $"I cannot cancel order {order}: it has been shipped.",
        [$"{order}", "shipped"]);

    /// <summary>Changes the quantity of a pending order.</summary>
    public static OrderDeskGoal Quantity(TaskRandom random, int order, int quantity) => new(
        random.Pick([$"Make it {quantity} pieces in order {order}.", $"I need {quantity} pieces in order {order}, please change that.", $"Please set the quantity of order {order} to {quantity}."]),
        [Get($"order/{order}/status"), Set($"order/{order}/quantity", $"{quantity}")],
        $"The quantity may change while the order is pending. I check order {order}, then write {quantity}.",
        $"Order {order} now has {quantity} pieces.",
        []);

    /// <summary>Asks what is in an order.</summary>
    public static OrderDeskGoal Item(TaskRandom random, int order, string item) => new(
        random.Pick([$"What did I buy in order {order}?", $"Which item is in order {order}?", $"Tell me what order {order} contains."]),
        [Get($"order/{order}/item")],
        $"The item stands under order/{order}/item. Nothing is to change.",
        $"Order {order} contains: {item}.",
        [item]);

    /// <summary>Moves a customer to another city.</summary>
    public static OrderDeskGoal Move(TaskRandom random, string customer, string name, string city) => new(
        random.Pick([$"I am {name}, customer {customer}, and I moved to {city}. Please update my city.", $"This is {name} ({customer}). My new city is {city}."]),
        [Get($"customer/{customer}/name"), Set($"customer/{customer}/city", city)],
        $"I compare the name of customer {customer} before I write the city.",
        $"Your city is now {city}.",
        []);

    /// <summary>Gives a name that is not the customer's: nothing may change.</summary>
    public static OrderDeskGoal MoveStranger(TaskRandom random, string customer, string stranger, string city) => new(
        random.Pick([$"I am {stranger}, customer {customer}. Please change my city to {city}.", $"{stranger} here, number {customer}. I live in {city} now, please note that."]),
        [Get($"customer/{customer}/name")],
        $"I compare the name of customer {customer} first. It is another one, so I must not change anything.",
        "I cannot change that: the name does not match the customer number.",
        ["name"]);

    private static ToolCall Get(string key) => new(null, "get_value", TaskJson.Compact(new System.Text.Json.Nodes.JsonObject { ["key"] = key }));

    private static ToolCall Set(string key, string value) =>
        new(null, "set_value", TaskJson.Compact(new System.Text.Json.Nodes.JsonObject { ["key"] = key, ["value"] = value }));
}
