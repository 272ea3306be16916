using System.Text.Json;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Tests.Serving;

namespace MiniMaxSharp.Tests;

public sealed class ChatEndpointTests
{
    [Fact]
    public async Task A_server_plays_the_customer_and_another_one_judges()
    {
        var said = new Queue<string>(["I would like to know more.", "###DONE###"]);
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Reply = _ => $"<think>\nHm.\n</think>\n\n{said.Dequeue()}" });
        var customer = Customers.Model(new ChatEndpoint(server.Client, "scripted").Reply(new SamplingParams { MaxTokens = 50, Seed = 3 }), ["Cancel order 1."]);
        var scenario = OrderDeskScenario.Sample(1, 0);
        var environment = new OrderDeskEnvironment(scenario, customer);
        environment.Start();
        var next = await environment.Respond(ChatMessage.Assistant("What can I do?"), TestContext.Current.CancellationToken);
        Assert.Equal("I would like to know more.", Assert.Single(next).Content.ToString());
        Assert.Empty(await environment.Respond(ChatMessage.Assistant("Done."), TestContext.Current.CancellationToken));

        await using var judges = await TestServer.Scripted(new ScriptedAnswers { Text = "Nearly. \\boxed{4}" });
        Assert.Equal(0.75, await ModelJudge.Grade(new ChatEndpoint(judges.Client, "scripted").Reply(), "Why?", "Because.", "So.", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Tool_calls_of_a_server_reach_the_environment()
    {
        var scenario = OrderDeskScenario.Sample(1, 0);
        var environment = new OrderDeskEnvironment(scenario);
        var turn = 0;
        var scripted = new ScriptedAnswers
        {
            Reply = _ => turn++ == 0 ? "<think>\nI look.\n</think>\n\n<tool_calls>\n{\"name\": \"list_keys\", \"arguments\": {\"prefix\": \"order/\"}}\n</tool_calls>" : "Done.",
        };
        await using var server = await TestServer.Scripted(scripted);
        var agent = new ChatEndpoint(server.Client, "scripted").Reply();
        var conversation = environment.Start();
        var first = await agent(conversation, TestContext.Current.CancellationToken);
        Assert.Equal(("I look.", "list_keys"), (first.ReasoningContent!.Trim(), Assert.Single(first.ToolCalls!).Name));
        var results = await environment.Respond(first, TestContext.Current.CancellationToken);
        Assert.Contains("order/", Assert.Single(results).Content.ToString(), StringComparison.Ordinal);
        var second = await agent(conversation with { Messages = [.. conversation.Messages, first, .. results] }, TestContext.Current.CancellationToken);
        Assert.Equal("Done.", second.Content.ToString());
    }

    [Fact]
    public async Task A_server_is_a_policy_whose_tokens_are_not_trained_on_where_it_does_not_name_them()
    {
        await using var server = await TestServer.Real();
        var model = (string)(await server.Get("/v1/models"))["data"]![0]!["id"]!;
        var generate = new ChatEndpoint(server.Client, model).Generate(ScriptedPolicy.Tokenizer);
        var rollout = await Episode.Run(
            new SingleTurnEnvironment(TaskCatalog.Get("addition").Sample(1, 1)), generate, ScriptedPolicy.Tokenizer, new SamplingParams { Seed = 5, MaxTokens = 8 }, new EpisodeOptions(),
            TestContext.Current.CancellationToken);
        Assert.Equal((null, StopReasons.Length, 0), (rollout.Error, rollout.StopReason, rollout.PolicyTokens));
        Assert.NotEmpty(rollout.Reply);
    }

    [Fact]
    public async Task A_refusal_of_the_server_is_the_roll_outs_error()
    {
        await using var server = await TestServer.Real();
        var generate = new ChatEndpoint(server.Client, "another").Generate(ScriptedPolicy.Tokenizer);
        var rollout = await Episode.Run(
            new SingleTurnEnvironment(TaskCatalog.Get("addition").Sample(1, 1)), generate, ScriptedPolicy.Tokenizer, new SamplingParams(), new EpisodeOptions(), TestContext.Current.CancellationToken);
        Assert.Contains("v1/completions answered 404", rollout.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_ids_that_a_server_names_are_taken_as_they_are()
    {
        using var handler = new FixedAnswer("""{"choices":[{"text":"Hi","finish_reason":"stop","logprobs":{"tokens":["token_id:7","token_id:9"],"token_logprobs":[-0.5,-1.5]}}]}""");
        using var client = new HttpClient(handler) { BaseAddress = new Uri("http://endpoint/") };
        var completion = await new ChatEndpoint(client, "m").Generate(ScriptedPolicy.Tokenizer)(new[] { 1, 2 }, new SamplingParams { Stop = ["x"], Seed = 4, MaxTokens = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal([7, 9], completion.Tokens);
        Assert.Equal([-0.5, -1.5], completion.LogProbs);
        Assert.Equal(("Hi", FinishReason.Stop), (completion.Text, completion.FinishReason));
        using var sent = JsonDocument.Parse(handler.Sent);
        Assert.Equal("[1,2]", sent.RootElement.GetProperty("prompt").GetRawText());
        Assert.Equal(3, sent.RootElement.GetProperty("max_tokens").GetInt32());
    }

    private sealed class FixedAnswer(string json) : HttpMessageHandler
    {
        public string Sent { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Sent = await request.Content!.ReadAsStringAsync(cancellationToken);
            return new HttpResponseMessage { Content = new StringContent(json) };
        }
    }
}
