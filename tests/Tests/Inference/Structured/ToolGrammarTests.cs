using System.Text;
using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Structured;

public class ToolGrammarTests
{
    private const string WeatherSchema = """{"type":"object","properties":{"city":{"type":"string","maxLength":20},"days":{"type":"integer","minimum":1,"maximum":7}},"required":["city"]}""";
    private const string TwoCalls = "<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 3}}\n{\"name\": \"now\", \"arguments\": {}}\n</tool_calls>";

    private static readonly GrammarTool[] tools =
        [new("weather", JsonDocument.Parse(WeatherSchema).RootElement), new("now", null)];

    [Theory]
    [InlineData(TwoCalls, true)]
    [InlineData("<tool_calls>\n{\"name\": \"other\", \"arguments\": {}}\n</tool_calls>", false)]
    [InlineData("<tool_calls>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_calls>", false)]
    [InlineData("<tool_calls>\n</tool_calls>", false)]
    [InlineData("I can't.", false)]
    public void Required_calls_are_calls_of_the_tools(string text, bool fits) => Assert.Equal(fits, Takes(Grammar.ToolCallsRequired(tools), text));

    [Theory]
    [InlineData(TwoCalls, true)]
    [InlineData("Let me look: <tool_call <b> " + TwoCalls, true)]
    [InlineData("It is sunny.", true)]
    [InlineData("", true)]
    [InlineData("<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": 5}}\n</tool_calls>", false)]
    [InlineData(TwoCalls + " more", false)]
    public void Allowed_calls_may_follow_free_text(string text, bool fits) => Assert.Equal(fits, Takes(Grammar.ToolCallsAllowed(tools), text));

    [Theory]
    [InlineData(TwoCalls, true)]
    [InlineData("{\"city\": \"Köln\"}", true)]
    [InlineData("{\"city\": 5}", false)]
    [InlineData("It is sunny.", false)]
    [InlineData("{\"city\": \"Köln\"}" + TwoCalls, false)]
    public void JSON_may_give_way_to_calls(string text, bool fits) => Assert.Equal(fits, Takes(Grammar.JsonOrToolCalls(WeatherSchema, tools), text));

    [Fact]
    public void Without_parallel_calls_there_is_one()
    {
        Assert.False(Takes(Grammar.ToolCallsRequired(tools, parallel: false), TwoCalls));
        Assert.True(Takes(Grammar.ToolCallsRequired(tools, parallel: false), "<tool_calls>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_calls>"));
    }

    [Fact]
    public void The_parser_of_answers_reads_what_the_grammar_makes()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var message = ChatStreamParser.Parse(GrammarWalk.Draw(Grammar.ToolCallsRequired(tools), new Random(seed)));
            Assert.NotEmpty(message.ToolCalls!);
            Assert.Equal("", message.Content.Text ?? message.Content.ToString());
            foreach (var call in message.ToolCalls!)
            {
                using var arguments = JsonDocument.Parse(call.ArgumentsJson!, new JsonDocumentOptions { MaxDepth = 300 });
                Assert.True(call.Name == "now" || new SchemaValidator(tools[0].Parameters!.Value).Fits(arguments.RootElement), call.ArgumentsJson);
            }
        }
    }

    [Fact]
    public void A_bad_schema_is_named_with_its_tool()
    {
        GrammarTool[] bad = [tools[1], new("bad", JsonDocument.Parse("""{"properties":{"a":{"multipleOf":2}}}""").RootElement)];
        Assert.Contains("$.tools[1].parameters.properties.a.multipleOf", Assert.Throws<InvalidInputException>(() => Grammar.ToolCallsRequired(bad)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => Grammar.ToolCallsAllowed([]));
    }

    private static bool Takes(Grammar grammar, string text)
    {
        var matcher = grammar.CreateMatcher(GrammarWalk.Trie, GrammarWalk.EndIds);
        return matcher.Accept(Encoding.UTF8.GetBytes(text)) && matcher.CanEnd;
    }
}
