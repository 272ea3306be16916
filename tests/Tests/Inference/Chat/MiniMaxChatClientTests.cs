using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;
using MiniMaxSharp.Tests.Serving;
using AI = Microsoft.Extensions.AI;

namespace MiniMaxSharp.Tests.Inference.Chat;

public sealed class MiniMaxChatClientTests
{
    private const string Call = "<think>\nLet me look.\n</think>\n\nOne moment.\n<tool_calls>\n{\"name\": \"add\", \"arguments\": {\"a\": 2, \"b\": 40}}\n</tool_calls>";
    private readonly ScriptedAnswers answers = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_answer_has_text_reasoning_usage_and_the_model()
    {
        (answers.Text, answers.CachedTokens) = ("<think>\nHm.\n</think>\n\nHello there", 3);
        using var client = answers.Model.CreateChatClient();
        var response = await client.GetResponseAsync("Hi", cancellationToken: Token);
        Assert.Equal("Hello there", response.Text);
        Assert.Contains("Hm.", response.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text, StringComparison.Ordinal);
        Assert.Equal((ChatFinishReason.Stop, "scripted"), (response.FinishReason, response.ModelId));
        Assert.Equal(answers.Requests[0].Prompt.Length, response.Usage!.InputTokenCount);
        Assert.Equal(3, response.Usage.CachedInputTokenCount);
        Assert.InRange(response.Usage.ReasoningTokenCount!.Value, 1, response.Usage.OutputTokenCount!.Value - 1);
        Assert.Null(response.ConversationId);
    }

    [Fact]
    public async Task The_stream_gives_many_updates_that_join_to_the_answer()
    {
        answers.Text = "one two three four";
        using var client = answers.Model.CreateChatClient();
        var updates = await client.GetStreamingResponseAsync("Hi", cancellationToken: Token).ToListAsync(Token);
        Assert.True(updates.Count(update => update.Text.Length > 0) > 2);
        Assert.Equal("one two three four", string.Concat(updates.Select(update => update.Text)));
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
    }

    [Fact]
    public async Task Calls_come_with_parsed_arguments()
    {
        answers.Text = Call;
        using var client = answers.Model.CreateChatClient();
        var response = await client.GetResponseAsync("Add", new ChatOptions { Tools = [Add()] }, Token);
        var call = response.Messages[0].Contents.OfType<FunctionCallContent>().Single();
        Assert.Equal("add", call.Name);
        Assert.Equal(40, ((JsonElement)call.Arguments!["b"]!).GetInt32());
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        Assert.Contains("\"name\":\"add\"", Prompt(0).Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_tools_a_block_of_calls_is_text()
    {
        answers.Text = Call;
        using var client = answers.Model.CreateChatClient();
        var response = await client.GetResponseAsync("Add", new ChatOptions { Tools = [Add()], ToolMode = ChatToolMode.None }, Token);
        Assert.Empty(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Contains("tool_calls", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Function_invocation_runs_the_tool_and_sends_its_result()
    {
        answers.Text = Call;
        var calls = 0;
        using var client = answers.Model.CreateChatClient().AsBuilder().UseFunctionInvocation().Build();
        var add = AIFunctionFactory.Create((int a, int b) =>
        {
            calls++;
            answers.Text = "It is 42.";
            return a + b;
        }, "add");
        var response = await client.GetResponseAsync("Add", new ChatOptions { Tools = [add] }, Token);
        Assert.Equal(1, calls);
        Assert.EndsWith("It is 42.", response.Text, StringComparison.Ordinal);
        Assert.Contains("tool name: add\ntool result: 42", Prompt(1), StringComparison.Ordinal);
        Assert.Contains("\"b\": 40", Prompt(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_reach_the_engine()
    {
        using var client = answers.Model.CreateChatClient();
        await client.GetResponseAsync("Hi", new ChatOptions
        {
            Temperature = 0.7f,
            TopP = 0.9f,
            TopK = 40,
            Seed = -1,
            StopSequences = ["X"],
            MaxOutputTokens = 9,
            PresencePenalty = 0.5f,
            FrequencyPenalty = -0.5f,
            Instructions = "Be brief.",
            AdditionalProperties = new() { ["thinking_token_budget"] = 12, ["min_p"] = 0.05 },
        }, Token);
        var sampling = answers.Requests[0].Sampling;
        Assert.Equal((0.7, 0.9, 40, ulong.MaxValue), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.Seed!.Value));
        Assert.Equal((0.5, -0.5, 9, 12, 0.05), (sampling.PresencePenalty, sampling.FrequencyPenalty, sampling.MaxTokens, sampling.ThinkingBudget, sampling.MinP));
        Assert.Equal(["X"], sampling.Stop);
        Assert.Contains("Be brief.", Prompt(0), StringComparison.Ordinal);
        Assert.Single(answers.Requests[0].CacheBreakpoints);
    }

    [Fact]
    public async Task Thinking_can_be_switched_off()
    {
        using var client = answers.Model.CreateChatClient();
        await client.GetResponseAsync("Hi", new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } }, Token);
        await client.GetResponseAsync("Hi", cancellationToken: Token);
        Assert.EndsWith("<think>\n\n</think>\n\n", Prompt(0), StringComparison.Ordinal);
        Assert.DoesNotContain("<think>", Prompt(1), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_kept_is_refused()
    {
        using var client = answers.Model.CreateChatClient();
        await Refuses<InvalidInputException>(new ChatOptions { ToolMode = ChatToolMode.RequireAny });
        await Refuses<InvalidInputException>(new ChatOptions { ToolMode = ChatToolMode.RequireSpecific("other"), Tools = [Add()] });
        await Refuses<InvalidInputException>(new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"multipleOf":3}""")) });
        await Refuses<NotSupportedException>(new ChatOptions { ConversationId = "1" });
        await Refuses<NotSupportedException>(new ChatOptions { Tools = [new HostedWebSearchTool()] });
        await Refuses<InvalidInputException>(new ChatOptions { ModelId = "another" });
        await Refuses<InvalidInputException>(new ChatOptions { Temperature = -1 });
        await Assert.ThrowsAsync<InvalidInputException>(() => client.GetResponseAsync(
            new AI.ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]), cancellationToken: Token));
        Assert.Empty(answers.Requests);

        Task Refuses<T>(ChatOptions options)
            where T : Exception => Assert.ThrowsAsync<T>(() => client.GetResponseAsync("Hi", options, Token));
    }

    [Fact]
    public async Task Cancelling_stops_the_request()
    {
        (answers.Text, answers.Gate) = ("one two three", new TaskCompletionSource().Task);
        using var client = answers.Model.CreateChatClient();
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.GetStreamingResponseAsync("Hi", cancellationToken: stop.Token))
            {
                await stop.CancelAsync();
            }
        });
        await answers.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    [Fact]
    public async Task A_reader_that_leaves_stops_the_request()
    {
        (answers.Text, answers.Gate) = ("one two three", new TaskCompletionSource().Task);
        using var client = answers.Model.CreateChatClient();
        await foreach (var _ in client.GetStreamingResponseAsync("Hi", cancellationToken: Token))
        {
            break;
        }

        await answers.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    [Fact]
    public async Task A_real_engine_answers_reproducibly_and_is_owned()
    {
        IChatClient client = MiniMaxChatClient.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        var options = new ChatOptions { Seed = 1, MaxOutputTokens = 8 };
        var first = await client.GetResponseAsync("Hello", options, Token);
        var second = await client.GetResponseAsync("Hello", options, Token);
        Assert.Equal(first.Text, second.Text);
        Assert.Equal((8, ChatFinishReason.Length), (first.Usage!.OutputTokenCount!.Value, first.FinishReason));
        Assert.Equal("random-tiny", client.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.NotNull(client.GetService<InferenceEngine>());
        Assert.Null(client.GetService(typeof(IChatClient), "key"));
        client.Dispose();
        client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync("Hello", options, Token));
    }

    [Fact]
    public async Task AddMiniMax_registers_a_chat_client()
    {
        var services = new ServiceCollection();
        services.AddMiniMax(_ => answers.Model);
        await using var provider = services.BuildServiceProvider();
        Assert.Equal("Hello", (await provider.GetRequiredService<IChatClient>().GetResponseAsync("Hi", cancellationToken: Token)).Text);
    }

    private static AIFunction Add() => AIFunctionFactory.Create((int a, int b) => a + b, "add", "Adds.");

    private string Prompt(int request) => answers.Model.Tokenizer.Decode(answers.Requests[request].Prompt.Span);
}
