using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>Examples for supervised fine-tuning: how an environment is played right, with thinking, tool calls, and now and then an error that is corrected.</summary>
public static class Demonstration
{
    /// <summary>
    /// One line of a training file: <c>messages</c> (with <c>tools</c> where there are some) and where they come from. Null where the
    /// environment has no derivation to show.
    /// </summary>
    /// <param name="prompt">The prompt; for training it must be of the part <see cref="TaskSplit.Sft"/>.</param>
    /// <param name="reflectionShare">Share of the examples, 0 to 1, with an error that is noticed and corrected.</param>
    public static JsonObject? Of(EnvironmentPrompt prompt, double reflectionShare = 0)
    {
        var random = TaskRandom.Named($"demonstrate/{prompt.Name}/{prompt.Level}", prompt.Seed);
        var reflects = random.NextBits() >> 11 < reflectionShare * (1UL << 53);
        var line = new JsonObject
        {
            ["id"] = prompt.Id,
            ["task"] = prompt.Name,
            ["level"] = prompt.Level,
            ["seed"] = prompt.Seed,
            ["split"] = prompt.Split.ToString().ToLowerInvariant(),
        };
        if (prompt.Scenario is { } scenario)
        {
            return WithTools(line, new OrderDeskEnvironment(scenario), ShowOrderDesk(scenario, reflects, random));
        }

        var instance = prompt.Instance!;
        line["language"] = instance.Language.Code();
        if (prompt.HasCalculator)
        {
            return ShowCalculator(instance) is { } turns ? WithTools(line, new CalculatorEnvironment(instance), turns) : null;
        }

        if (instance.Reasoning is not { } reasoning)
        {
            return null;
        }

        line["messages"] = instance.Demonstration((reflects ? Reflection.Apply(instance, reasoning, random) : null) ?? reasoning);
        return line;
    }

    /// <summary>Plays the assistant's turns in the environment and writes all that was said.</summary>
    private static JsonObject WithTools(JsonObject line, IEnvironment environment, IEnumerable<ChatMessage> turns)
    {
        var start = environment.Start();
        var messages = start.Messages.ToList();
        foreach (var turn in turns)
        {
            messages.Add(turn);
            messages.AddRange(environment.Respond(turn, CancellationToken.None).AsTask().GetAwaiter().GetResult()); // Scripts answer at once.
        }

        line["messages"] = ChatMessageJson.Of(messages, withReasoning: true);
        line["tools"] = new JsonArray([.. start.Tools!.Select(tool => JsonNode.Parse(tool.GetRawText()))]);
        return line;
    }

    private static IEnumerable<ChatMessage> ShowOrderDesk(OrderDeskScenario scenario, bool reflects, TaskRandom random)
    {
        var slipAt = reflects ? random.Below(scenario.Goals.Count) : -1;
        var number = 0;
        foreach (var (i, goal) in scenario.Goals.Index())
        {
            var thought = goal.Thought;
            if (i == slipAt)
            {
                // A key without its folder: the database has none such, which the agent sees and mends.
                var key = KeyOf(goal.Calls[0]);
                yield return Call(thought, goal.Calls[0] with { ArgumentsJson = TaskJson.Compact(new JsonObject { ["key"] = key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..] }) }, ref number);
                thought = $"Wait, there is no such key. The whole key is {key}.";
            }

            foreach (var call in goal.Calls)
            {
                yield return Call(thought, call, ref number);
                thought = goal.Calls.Count > 1 ? "The rules allow it, so I write it now." : thought;
            }

            yield return ChatMessage.Assistant(goal.Reply, goal.Calls.Count > 1 ? "It is written. I tell the customer." : "Nothing is to be changed. I tell the customer.");
        }
    }

    private static string KeyOf(ToolCall call)
    {
        using var arguments = JsonDocument.Parse(call.ArgumentsJson!);
        return arguments.RootElement.Text("key");
    }

    private static ChatMessage[]? ShowCalculator(TaskInstance instance)
    {
        using var data = JsonDocument.Parse(instance.Data);
        var sign = instance.Task switch { "addition" => '+', "subtraction" => '-', "multiplication" => '×', "division" => '÷', _ => ' ' };
        var expression = data.RootElement.TryGetProperty("expression", out var whole) ? whole.GetString()!
            : sign != ' ' ? $"{data.RootElement.GetProperty("a").GetInt64()} {sign} {data.RootElement.GetProperty("b").GetInt64()}"
            : null;
        if (expression is null || Calculator.Evaluate(expression) is not { } result || TaskCatalog.Get(instance.Task).Judge(instance, result).Score < 1)
        {
            return null;
        }

        var number = 0;
        var isChinese = instance.Language == TaskLanguage.Chinese;
        var call = new ToolCall(null, Calculator.Tool.Name, TaskJson.Compact(new JsonObject { ["expression"] = expression }));
        return
        [
            Call(isChinese ? $"我用计算器算 {expression}。" : $"I let the calculator work out {expression}.", call, ref number),
            ChatMessage.Assistant($"\\boxed{{{instance.Gold}}}", isChinese ? $"计算器给出 {result}。" : $"The calculator gives {result}."),
        ];
    }

    private static ChatMessage Call(string thought, ToolCall call, ref int number) => ChatMessage.Assistant("", thought, [call with { Id = $"call_{number++}" }]);
}
