using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class RewardScoringTests
{
    private static readonly RewardScoring scoring = new(TimeSpan.FromSeconds(20));

    public static TheoryData<string> Names => [.. TaskCatalog.All.Select(task => task.Name)];

    [Fact]
    public async Task The_reward_is_the_sum_of_its_weighted_terms()
    {
        var instance = TaskCatalog.Get("addition").Sample(2, 1);
        var rewards = new SingleTurnEnvironment(instance, formatWeight: 0.25).Rewards;
        var rollout = RolloutFileTests.Sample() with { Rewards = [], Reward = 0 };
        var right = await Score(rollout with { Reply = $"<think>\nso\n</think>\n\n\\boxed{{{instance.Gold}}}" }, rewards);
        Assert.Equal([new RewardTerm("correct", 1), new RewardTerm("format", 0.25)], right.Rewards);
        Assert.Equal((1.25, null), (right.Reward, right.Error));
        Assert.Equal(1, (await Score(rollout with { Reply = $"\\boxed{{{instance.Gold}}}" }, rewards)).Reward);
        Assert.Equal(0.25, (await Score(rollout with { Reply = "<think>so</think>\\boxed{no}" }, rewards)).Reward);
    }

    [Fact]
    public async Task A_grader_that_fails_marks_the_roll_out_and_is_no_wrong_answer()
    {
        var rollout = RolloutFileTests.Sample();
        Reward[] rewards =
        [
            new("fine", (_, _) => ValueTask.FromResult(0.5)),
            new("broken", (_, _) => throw new InvalidOperationException("no connection")),
        ];
        var scored = await Score(rollout, rewards);
        Assert.Equal((0.5, "broken: no connection"), (scored.Reward, scored.Error));
        Assert.Equal([new RewardTerm("fine", 0.5)], scored.Rewards);
        Assert.StartsWith("odd: the value is NaN", (await Score(rollout, [new Reward("odd", (_, _) => ValueTask.FromResult(double.NaN))])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_grader_that_never_ends_is_left_behind()
    {
        using var gate = new ManualResetEventSlim();
        var impatient = new RewardScoring(TimeSpan.FromMilliseconds(50));
        Reward[] rewards =
        [
            new("stuck", (_, cancel) =>
            {
                gate.Wait(CancellationToken.None);
                return ValueTask.FromResult(1.0);
            }),
        ];
        var scored = await impatient.Score(RolloutFileTests.Sample(), rewards, TestContext.Current.CancellationToken);
        gate.Set();
        Assert.Equal("stuck: no value after 0.05 s", scored.Error);
        Assert.Empty(scored.Rewards);
    }

    [Fact]
    public async Task The_caller_can_give_up()
    {
        using var stop = new CancellationTokenSource();
        var scored = scoring.Score(RolloutFileTests.Sample(), [new Reward("slow", async (_, cancel) => { await Task.Delay(Timeout.Infinite, cancel); return 1; })], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scored);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Hostile_answers_score_0_within_the_time_out_and_break_nothing(string name)
    {
        var instance = TaskCatalog.Get(name).Sample(TaskCatalog.Get(name).MaxLevel, 11);
        IReadOnlyList<Reward> rewards = [Reward.Correct(instance)];
        string[] code = ["```python\nprint(1)\n```", "\\boxed{```\nexit(0)\n```}", "\\boxed{" + string.Concat(Enumerable.Repeat("[{(", 3_000)) + "}"];
        var scored = await scoring.ScoreAll(
            HostileAnswers.Replies.Concat(code).Select(reply => (RolloutFileTests.Sample() with { Reply = reply }, rewards)), TestContext.Current.CancellationToken);
        Assert.All(scored, rollout => Assert.Equal((0, null), (rollout.Reward, rollout.Error)));
    }

    private static Task<Rollout> Score(Rollout rollout, IReadOnlyList<Reward> rewards) => scoring.Score(rollout, rewards, TestContext.Current.CancellationToken);
}
