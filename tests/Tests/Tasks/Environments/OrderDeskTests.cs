using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class OrderDeskTests
{
    [Fact]
    public async Task The_right_actions_score_1_and_each_thing_left_out_scores_0()
    {
        for (var seed = 0UL; seed < 40; seed++)
        {
            var scenario = OrderDeskScenario.Sample(1 + (int)(seed % OrderDeskScenario.MaxLevel), seed);
            Assert.Equal(1, await Play(scenario, scenario.Goals));
            foreach (var goal in scenario.Goals.Where(goal => goal.Outputs.Count == 0 || !goal.IsAnswered([.. scenario.Goals.Where(other => other != goal).Select(other => other.Reply)])))
            {
                // Says the same but does not write, or writes without the words that the customer must hear.
                var lazy = goal.Outputs.Count > 0 ? goal with { Reply = "Done." } : goal with { Calls = goal.Calls.Take(1).ToArray() };
                Assert.Equal(0, await Play(scenario, [.. scenario.Goals.Select(one => one == goal ? lazy : one)]));
            }
        }
    }

    [Fact]
    public async Task A_change_that_nobody_asked_for_scores_0()
    {
        var scenario = OrderDeskScenario.Sample(3, 5);
        var environment = new OrderDeskEnvironment(scenario);
        environment.Start();
        await environment.Respond(ScriptedPolicy.Call("set_value", ("key", "customer/C1/name"), ("value", "Nobody")), TestContext.Current.CancellationToken);
        Assert.Equal(0, await Finish(environment, scenario.Goals));
    }

    [Fact]
    public async Task A_conversation_that_does_not_end_scores_0()
    {
        var scenario = OrderDeskScenario.Sample(4, 1);
        var environment = new OrderDeskEnvironment(scenario);
        environment.Start();
        await environment.Respond(ChatMessage.Assistant(scenario.Goals[0].Reply), TestContext.Current.CancellationToken);
        Assert.Equal(0, await Value(environment));
    }

    [Fact]
    public void A_seed_gives_the_same_scenario_and_the_levels_have_more_wishes()
    {
        Assert.Equal(OrderDeskScenario.Sample(5, 3).Id, OrderDeskScenario.Sample(5, 3).Id);
        Assert.Equal(500, Enumerable.Range(0, 500).Select(seed => OrderDeskScenario.Sample(4, (ulong)seed).Id).Distinct().Count());
        Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4], Enumerable.Range(1, 8).Select(level => OrderDeskScenario.Sample(level, 0).Wishes.Count));
        Assert.Contains("level 9 does not exist", Assert.Throws<InvalidInputException>(() => OrderDeskScenario.Sample(9, 0)).Message, StringComparison.Ordinal);
        var hash = OrderDeskScenario.Sample(2, 0).CreateStore().Hash();
        Assert.NotEqual(hash, OrderDeskScenario.Sample(2, 1).CreateStore().Hash());
    }

    [Fact]
    public void Wrong_calls_get_a_result_that_says_how()
    {
        var tools = OrderDeskScenario.Sample(1, 0).CreateStore().Tools;
        string Answer(string? name, string? arguments) => Tool.Answer(tools, [new ToolCall("1", name, arguments)])[0].Content.ToString();
        Assert.StartsWith("error: there is no tool", Answer("drop_table", "{}"), StringComparison.Ordinal);
        Assert.StartsWith("error: there is no tool", Answer(null, null), StringComparison.Ordinal);
        Assert.Equal("error: the arguments are no JSON object", Answer("get_value", "[]"));
        Assert.Equal("error: the arguments are no JSON object", Answer("get_value", new string('[', 5_000)));
        Assert.Equal("error: the arguments are no JSON object", Answer("get_value", "{\"key\":\"\\uD800\"}"));
        Assert.StartsWith("error: the argument key must be a string", Answer("get_value", "{\"key\":1}"), StringComparison.Ordinal);
        Assert.StartsWith("error: the argument key must be a string", Answer("get_value", "{}"), StringComparison.Ordinal);
        Assert.StartsWith("error: unknown argument", Answer("get_value", "{\"key\":\"a\",\"b\":\"c\"}"), StringComparison.Ordinal);
        Assert.Equal("error: there is no such key", Answer("get_value", "{\"key\":\"none\"}"));
    }

    [Theory]
    [InlineData("1,234 * 2", "2468")]
    [InlineData("(12 + 3) × 4 ÷ 8", "15/2 = 7.5")]
    [InlineData("2^100", "1267650600228229401496703205376")]
    [InlineData("sqrt(2)", "1.41421356237")]
    [InlineData("1/0", "error: there is no real value, or it is too large")]
    [InlineData("9^9^9^9", "error: there is no real value, or it is too large")]
    [InlineData("x + 1", "error: x is a variable; give numbers only")]
    [InlineData("import os", "error:")]
    public void The_calculator_is_exact_and_bounded(string expression, string result) => Assert.StartsWith(result, Calculator.Evaluate(expression), StringComparison.Ordinal);

    [Fact]
    public void The_calculator_survives_every_hostile_text() =>
        Assert.All(HostileAnswers.Replies, text => Assert.NotEmpty(Calculator.Evaluate(text)));

    private static async Task<double> Play(OrderDeskScenario scenario, IReadOnlyList<OrderDeskGoal> goals)
    {
        var environment = new OrderDeskEnvironment(scenario);
        environment.Start();
        return await Finish(environment, goals);
    }

    private static async Task<double> Finish(OrderDeskEnvironment environment, IReadOnlyList<OrderDeskGoal> goals)
    {
        foreach (var goal in goals)
        {
            await environment.Respond(ChatMessage.Assistant("", toolCalls: goal.Calls), TestContext.Current.CancellationToken);
            await environment.Respond(ChatMessage.Assistant(goal.Reply), TestContext.Current.CancellationToken);
        }

        return await Value(environment);
    }

    private static async Task<double> Value(OrderDeskEnvironment environment) =>
        (await new RewardScoring(TimeSpan.FromSeconds(20)).Score(RolloutFileTests.Sample(), environment.Rewards, TestContext.Current.CancellationToken)).Reward;
}
