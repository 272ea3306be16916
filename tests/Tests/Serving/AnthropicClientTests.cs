using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>Anthropic's own client for .NET against the server.</summary>
public sealed class AnthropicClientTests
{
    private const string Answer = "<think>\nHm.\n</think>\n\nI ask.\n<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_calls>";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Thinking_text_and_tool_use()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Answer });
        var message = await Client(server).Messages.Create(Request(), Cancellation);
        Assert.True(message.Content[0].TryPickThinking(out var thinking) && message.Content[1].TryPickText(out _) && message.Content[2].TryPickToolUse(out _));
        Assert.Equal("\nHm.\n", thinking!.Thinking);
        message.Content[2].TryPickToolUse(out var use);
        Assert.Equal("Rome", use!.Input["city"].GetString());
        Assert.Equal("tool_use", message.StopReason!.Raw());
    }

    [Fact]
    public async Task Streaming()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Answer });
        var (text, arguments, stopped) = ("", "", false);
        await foreach (var item in Client(server).Messages.CreateStreaming(Request(), Cancellation))
        {
            if (item.TryPickContentBlockDelta(out var delta))
            {
                text += delta.Delta.TryPickText(out var piece) ? piece.Text : "";
                arguments += delta.Delta.TryPickInputJson(out var json) ? json.PartialJson : "";
            }

            stopped |= item.TryPickStop(out _);
        }

        Assert.Equal(("I ask.\n", "{\"city\": \"Rome\"}", true), (text, arguments, stopped));
    }

    [Fact]
    public async Task Errors_and_counting()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        await Assert.ThrowsAsync<AnthropicNotFoundException>(() => Client(server).Messages.Create(Request() with { Model = "nope" }, Cancellation));
        var count = await Client(server).Messages.CountTokens(new MessageCountTokensParams { Model = "scripted", Messages = [new UserMessageParam("Q")] }, Cancellation);
        Assert.InRange(count.InputTokens, 5, 100);
    }

    private static MessageCreateParams Request() => new()
    {
        MaxTokens = 500,
        Model = "scripted",
        Messages = [new UserMessageParam("Q")],
        Tools = [new Tool { Name = "weather", InputSchema = new() { Properties = new Dictionary<string, JsonElement>() } }],
    };

    private static AnthropicClient Client(TestServer server) => new() { BaseUrl = server.Address.ToString().TrimEnd('/'), ApiKey = "none", MaxRetries = 0 };
}
