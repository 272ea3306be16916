using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>OpenAI's own client for .NET against the server.</summary>
public sealed class OpenAiClientTests
{
    private static readonly ChatTool weather = ChatTool.CreateFunctionTool("weather", "Tells the weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Chat_with_the_real_engine()
    {
        await using var server = await TestServer.Real();
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 6, IncludeLogProbabilities = true, TopLogProbabilityCount = 2, Temperature = 0.7f };
        ChatCompletion answer = await Client(server, "random-tiny").CompleteChatAsync([new SystemChatMessage("S"), new UserChatMessage("Hi")], options, Cancellation);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal(6, answer.ContentTokenLogProbabilities.Count);
        Assert.Equal(6, answer.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Streaming_tools_and_reasoning_tokens()
    {
        var answers = new ScriptedAnswers { Text = "<think>\nHm.\n</think>\n\nI ask.\n<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_calls>" };
        await using var server = await TestServer.Scripted(answers);
        var options = new ChatCompletionOptions { Tools = { weather } };
        var (text, name, arguments, usage) = ("", "", "", (ChatTokenUsage?)null);
        ChatFinishReason? finish = null;
        await foreach (var update in Client(server).CompleteChatStreamingAsync([new UserChatMessage("Q")], options, Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            foreach (var call in update.ToolCallUpdates)
            {
                name += call.FunctionName;
                arguments += call.FunctionArgumentsUpdate;
            }

            finish ??= update.FinishReason;
            usage ??= update.Usage;
        }

        Assert.Equal(("I ask.\n", "weather", "{\"city\": \"Rome\"}"), (text, name, arguments));
        Assert.Equal(ChatFinishReason.ToolCalls, finish);
        Assert.True(usage!.OutputTokenDetails.ReasoningTokenCount > 0);
    }

    [Fact]
    public async Task A_tool_round_trip()
    {
        var answers = new ScriptedAnswers { Text = "<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_calls>" };
        await using var server = await TestServer.Scripted(answers);
        var options = new ChatCompletionOptions { Tools = { weather } };
        List<ChatMessage> messages = [new UserChatMessage("Q")];
        ChatCompletion asked = await Client(server).CompleteChatAsync(messages, options, Cancellation);
        messages.Add(new AssistantChatMessage(asked));
        messages.Add(new ToolChatMessage(asked.ToolCalls[0].Id, "rain"));
        answers.Text = "It rains.";
        ChatCompletion answer = await Client(server).CompleteChatAsync(messages, options, Cancellation);
        Assert.Equal("It rains.", answer.Content[0].Text);
        Assert.Contains("tool name: weather\ntool result: rain", answers.Model.Tokenizer.Decode(answers.Requests[1].Prompt.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_arrive_with_status_and_message()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        var unknown = await Assert.ThrowsAsync<ClientResultException>(() => Client(server, "nope").CompleteChatAsync([new UserChatMessage("Q")], cancellationToken: Cancellation));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("model_not_found", unknown.Message, StringComparison.Ordinal);
        var options = new ChatCompletionOptions { Temperature = 1000 };
        var bad = await Assert.ThrowsAsync<ClientResultException>(() => Client(server).CompleteChatAsync([new UserChatMessage("Q")], options, Cancellation));
        Assert.Equal(400, bad.Status);
    }

    private static ChatClient Client(TestServer server, string model = "scripted") => new(
        model, new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1"), RetryPolicy = new ClientRetryPolicy(0) });
}
