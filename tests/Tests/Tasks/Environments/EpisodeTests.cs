using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests;

public sealed class EpisodeTests
{
    private static readonly SamplingParams sampling = new() { Seed = 1, MaxTokens = 2_000 };

    [Fact]
    public async Task The_tokens_are_those_of_the_whole_conversation_and_the_policy_alone_is_in_the_loss()
    {
        var instance = TaskCatalog.Get("multiplication").Sample(3, 4);
        ChatMessage[] turns =
        [
            ScriptedPolicy.Call("calculate", ("expression", "12 * 12")),
            ScriptedPolicy.Call("calculate", ("expression", "x + 1")),
            ChatMessage.Assistant($"\\boxed{{{instance.Gold}}}", "That is all."),
        ];
        var policy = new ScriptedPolicy(turns);
        var rollout = await Run(new CalculatorEnvironment(instance), policy.Generate);

        var start = new CalculatorEnvironment(instance).Start();
        var whole = new Conversation([.. start.Messages, turns[0], ChatMessage.Tool("144", "calculate"), turns[1], ChatMessage.Tool("error: x is a variable; give numbers only", "calculate"), turns[2]])
        {
            Tools = start.Tools,
            AddGenerationPrompt = false,
        };
        var expected = ChatTokenizer.Tokenize(ChatRenderer.Render(whole, ChatDialect.Repaired, ReasoningHistory.Keep), ScriptedPolicy.Tokenizer);
        int[] all = [.. rollout.PromptTokens!, .. rollout.Tokens];
        Assert.Equal(expected.Ids[..all.Length], all);
        Assert.Equal(ScriptedPolicy.Tokenizer.Encode("\n"), expected.Ids[all.Length..]); // The line end behind the last turn, which nobody generates.
        Assert.Equal(expected.LossMask[rollout.PromptTokens!.Length..all.Length].Select(mask => mask ? 1 : 0), rollout.LossMask);
        Assert.All(rollout.Tokens.Index(), item => Assert.Equal(rollout.InLoss(item.Index), rollout.Logprobs[item.Index] < 0));
        Assert.Equal(all[..policy.Prompts[2].Length], policy.Prompts[2]);
        Assert.Equal((StopReasons.Stop, null, "That is all."), (rollout.StopReason, rollout.Error, rollout.Reasoning));
        Assert.Equal(["assistant", "tool", "assistant", "tool", "assistant"], rollout.Messages!.Select(message => message.Role));
    }

    [Fact]
    public async Task An_episode_ends_at_its_most_turns_and_tokens()
    {
        var instance = TaskCatalog.Get("addition").Sample(1, 4);
        var calls = Enumerable.Repeat(ScriptedPolicy.Call("calculate", ("expression", "1")), 50).ToArray();
        var turns = await Episode.Run(new CalculatorEnvironment(instance), new ScriptedPolicy(calls).Generate, ScriptedPolicy.Tokenizer, sampling, new EpisodeOptions { MaxTurns = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal((StopReasons.TurnLimit, 3), (turns.StopReason, turns.Messages!.Count(message => message.Role == "assistant")));
        var tokens = await Episode.Run(new CalculatorEnvironment(instance), new ScriptedPolicy(calls).Generate, ScriptedPolicy.Tokenizer, sampling, new EpisodeOptions { MaxTokens = 200 }, TestContext.Current.CancellationToken);
        Assert.Equal(StopReasons.Length, tokens.StopReason);
    }

    [Fact]
    public async Task What_fails_is_the_roll_outs_error_and_a_caller_who_gives_up_is_heard()
    {
        var environment = new SingleTurnEnvironment(TaskCatalog.Get("addition").Sample(1, 4));
        var failed = await Run(environment, (_, _, _) => throw new HttpRequestException("connection refused"));
        Assert.Equal("connection refused", failed.Error);
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Episode.Run(
            environment, (_, _, cancel) => throw new OperationCanceledException(cancel), ScriptedPolicy.Tokenizer, sampling, new EpisodeOptions(), stop.Token));
    }

    [Fact]
    public async Task The_local_engine_plays_with_log_probabilities_of_every_token_also_the_last()
    {
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        var instance = TaskCatalog.Get("addition").Sample(1, 4);
        var cut = await Episode.Run(
            new SingleTurnEnvironment(instance), LocalGenerate.Of(engine), engine.Tokenizer, sampling with { MaxTokens = 6 }, new EpisodeOptions(), TestContext.Current.CancellationToken);
        Assert.Equal((6, StopReasons.Length, null), (cut.Tokens.Length, cut.StopReason, cut.LossMask));
        Assert.All(cut.Logprobs, logprob => Assert.True(logprob < 0));

        var end = engine.EndIds[0];
        var ended = await Episode.Run(
            new SingleTurnEnvironment(instance), LocalGenerate.Of(engine), engine.Tokenizer, sampling with { LogitBias = new Dictionary<int, float> { [end] = 100 } }, new EpisodeOptions(),
            TestContext.Current.CancellationToken);
        Assert.Equal([end], ended.Tokens);
        Assert.Equal((StopReasons.Stop, null, ""), (ended.StopReason, ended.LossMask, ended.Reply));
        Assert.True(ended.Logprobs[0] < 0);
    }

    private static Task<Rollout> Run(IEnvironment environment, Generate generate) =>
        Episode.Run(environment, generate, ScriptedPolicy.Tokenizer, sampling, new EpisodeOptions(), TestContext.Current.CancellationToken);
}
