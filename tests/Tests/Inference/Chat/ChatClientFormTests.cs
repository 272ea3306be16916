using System.Text.Json;
using Microsoft.Extensions.AI;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Chat;

/// <summary>Answers of a given form from a model with random weights, which would never give them by itself.</summary>
public sealed class ChatClientFormTests : IDisposable
{
    private readonly IChatClient client = MiniMaxChatClient.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });

    public void Dispose() => client.Dispose();

    [Fact]
    public async Task A_typed_answer_is_parsed()
    {
        var answer = await client.GetResponseAsync<Dice>("Roll", Options(new ChatOptions()), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(Enum.IsDefined(answer.Result.Colour), answer.Text);
    }

    [Fact]
    public async Task Any_JSON_object_can_be_asked_for()
    {
        var answer = await Ask(new ChatOptions { ResponseFormat = ChatResponseFormat.Json, MaxOutputTokens = 600 });
        if (answer.FinishReason == ChatFinishReason.Stop)
        {
            Assert.Equal(JsonValueKind.Object, JsonElement.Parse(answer.Text).ValueKind);
        }

        Assert.StartsWith("{", answer.Text.TrimStart(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("paint")]
    public async Task A_required_call_fits_the_schema_of_its_tool(string? name)
    {
        var mode = name is null ? ChatToolMode.RequireAny : ChatToolMode.RequireSpecific(name);
        var answer = await Ask(new ChatOptions { Tools = name is null ? [Paint] : [Other, Paint], ToolMode = mode, AllowMultipleToolCalls = false });
        var call = Assert.Single(answer.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal(("paint", ChatFinishReason.ToolCalls), (call.Name, answer.FinishReason));
        Assert.Contains(call.Arguments!["colour"]!.ToString(), Enum.GetNames<Colour>());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task With_tools_and_a_JSON_form_the_answer_is_one_or_the_other(long seed)
    {
        var answer = await Ask(new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema<Dice>(), Tools = [Strict(Paint)], AllowMultipleToolCalls = false, Seed = seed });
        Assert.True(
            answer.FinishReason == ChatFinishReason.ToolCalls
                ? Enum.TryParse<Colour>(answer.Messages[0].Contents.OfType<FunctionCallContent>().Single().Arguments!["colour"]!.ToString(), out _)
                : JsonElement.Parse(answer.Text).TryGetProperty("colour", out _),
            answer.Text);
    }

    [Fact]
    public void A_form_is_compiled_once()
    {
        var grammars = new GrammarCache();
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema<Dice>() };
        Assert.Same(ChatClientForm.Of(options, grammars), ChatClientForm.Of(options.Clone(), grammars));
        Assert.NotSame(ChatClientForm.Of(options, grammars), ChatClientForm.Of(new ChatOptions { ResponseFormat = ChatResponseFormat.Json }, grammars));
    }

    [Fact]
    public void Free_text_and_tools_that_are_not_strict_have_no_form()
    {
        var grammars = new GrammarCache();
        Assert.Null(ChatClientForm.Of(new ChatOptions { Tools = [Paint], ResponseFormat = ChatResponseFormat.Text }, grammars));
        Assert.Null(ChatClientForm.Of(new ChatOptions { Tools = [Strict(Paint)], ToolMode = ChatToolMode.None }, grammars));
        Assert.NotNull(ChatClientForm.Of(new ChatOptions { Tools = [Strict(Paint)] }, grammars));
    }

    private static AIFunction Paint { get; } = AIFunctionFactory.Create((Colour colour) => $"It is {colour}.", "paint");

    private static AIFunction Other { get; } = AIFunctionFactory.Create(() => 1, "other");

    private static AIFunction Strict(AIFunction tool) => new StrictFunction(tool);

    private static ChatOptions Options(ChatOptions options)
    {
        options.Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None };
        options.MaxOutputTokens ??= 300;
        options.Seed ??= 3;
        return options;
    }

    private Task<ChatResponse> Ask(ChatOptions options) => client.GetResponseAsync("Hi", Options(options), TestContext.Current.CancellationToken);

    [System.Text.Json.Serialization.JsonConverter(typeof(System.Text.Json.Serialization.JsonStringEnumConverter<Colour>))]
    public enum Colour
    {
        Red,
        Green,
    }

    public sealed record Dice(Colour Colour, bool? IsLucky);

    private sealed class StrictFunction(AIFunction inner) : DelegatingAIFunction(inner)
    {
        public override IReadOnlyDictionary<string, object?> AdditionalProperties { get; } = new Dictionary<string, object?> { ["strict"] = true };
    }
}
