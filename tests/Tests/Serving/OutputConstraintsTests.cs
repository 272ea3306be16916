using System.Net;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>Answers of a given form from a model with random weights, which would never give them by itself.</summary>
public sealed class OutputConstraintsTests
{
    private const string Schema = """{"type":"object","properties":{"answer":{"type":"integer","minimum":0,"maximum":99},"sure":{"type":"boolean"}},"required":["answer","sure"],"additionalProperties":false}""";
    private const string Tool = """{"type":"function","function":{"name":"roll","parameters":{"type":"object","properties":{"sides":{"enum":[6,20]}},"required":["sides"],"additionalProperties":false}}}""";
    private const string Start = """{"seed":3,"max_tokens":200,"enable_thinking":false,"messages":[{"role":"user","content":"Hi"}],""";

    [Theory]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":SCHEMA}}")]
    [InlineData("\"guided_json\":SCHEMA")]
    [InlineData("\"structured_outputs\":{\"json\":SCHEMA}")]
    public async Task An_answer_fits_its_schema(string rule)
    {
        await using var server = await TestServer.Real();
        var (status, json) = await server.Post("/v1/chat/completions", Start + rule.Replace("SCHEMA", Schema, StringComparison.Ordinal) + "}");
        Assert.Equal(HttpStatusCode.OK, status);
        var answer = JsonNode.Parse((string)json["choices"]![0]!["message"]!["content"]!)!;
        Assert.InRange((int)answer["answer"]!, 0, 99);
        Assert.Contains((bool)answer["sure"]!, new[] { true, false });
        Assert.Equal("stop", (string?)json["choices"]![0]!["finish_reason"]);
    }

    [Theory]
    [InlineData("\"guided_regex\":\"[a-c]{4}\"", "^[a-c]{4}$")]
    [InlineData("\"guided_choice\":[\"yes\",\"no\"]", "^(yes|no)$")]
    public async Task A_pattern_or_a_choice_is_kept(string rule, string expected)
    {
        await using var server = await TestServer.Real();
        var (_, json) = await server.Post("/v1/chat/completions", Start + rule + "}");
        Assert.Matches(expected, (string)json["choices"]![0]!["message"]!["content"]!);
        (_, json) = await server.Post("/v1/completions", """{"prompt":"Hi","max_tokens":60,""" + rule + "}");
        Assert.Matches(expected, (string)json["choices"]![0]!["text"]!);
    }

    [Theory]
    [InlineData("\"required\"")]
    [InlineData("{\"type\":\"function\",\"function\":{\"name\":\"roll\"}}")]
    public async Task A_forced_call_fits_the_schema_of_its_tool(string choice)
    {
        await using var server = await TestServer.Real();
        var (status, json) = await server.Post("/v1/chat/completions", Start + $"\"parallel_tool_calls\":false,\"tools\":[{Tool}],\"tool_choice\":{choice}}}");
        Assert.Equal(HttpStatusCode.OK, status);
        var call = Assert.Single(json["choices"]![0]!["message"]!["tool_calls"]!.AsArray())!["function"]!;
        Assert.Equal("roll", (string?)call["name"]);
        Assert.Contains((int)JsonNode.Parse((string)call["arguments"]!)!["sides"]!, new[] { 6, 20 });
        Assert.Equal("tool_calls", (string?)json["choices"]![0]!["finish_reason"]);
    }

    [Theory]
    [InlineData(1, "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":SCHEMA}}")]
    [InlineData(2, "\"guided_json\":SCHEMA")]
    [InlineData(3, "\"guided_json\":SCHEMA,\"parallel_tool_calls\":false")]
    public async Task With_tools_on_offer_a_schema_gives_way_to_calls(int seed, string rule)
    {
        await using var server = await TestServer.Real();
        rule = $"{Start}{rule.Replace("SCHEMA", Schema, StringComparison.Ordinal)},\"tools\":[{Tool}]}}".Replace("\"seed\":3", $"\"seed\":{seed}", StringComparison.Ordinal);
        var (status, json) = await server.Post("/v1/chat/completions", rule);
        Assert.Equal(HttpStatusCode.OK, status);
        var choice = json["choices"]![0]!;
        var calls = choice["message"]!["tool_calls"]?.AsArray();
        Assert.True((string?)choice["finish_reason"] switch
        {
            "tool_calls" => calls!.All(call => (string?)call!["function"]!["name"] == "roll"),
            "stop" => calls is null && JsonNode.Parse((string)choice["message"]!["content"]!)!["sure"] is not null,
            _ => true,
        });
    }

    [Fact]
    public async Task A_required_call_stands_instead_of_a_schema()
    {
        await using var server = await TestServer.Real();
        var (_, json) = await server.Post("/v1/chat/completions", Start + $"\"tools\":[{Tool}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false,\"guided_json\":{Schema}}}");
        Assert.Equal("tool_calls", (string?)json["choices"]![0]!["finish_reason"]);
    }

    [Theory]
    [InlineData("\"tools\":[TOOL],\"tool_choice\":\"required\",\"guided_choice\":[\"a\"]")]
    [InlineData("\"tool_choice\":\"required\"")]
    [InlineData("\"tools\":[TOOL],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"other\"}}")]
    [InlineData("\"guided_regex\":\"a\",\"guided_choice\":[\"a\"]")]
    [InlineData("\"guided_regex\":\"(\"")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"integer\",\"multipleOf\":3}}}")]
    [InlineData("\"guided_grammar\":\"root ::= a\"")]
    public async Task A_rule_that_cannot_be_kept_is_refused(string rule)
    {
        await using var server = await TestServer.Real();
        var (status, json) = await server.Post("/v1/chat/completions", Start + rule.Replace("TOOL", Tool, StringComparison.Ordinal) + "}");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("invalid_request_error", (string?)json["error"]!["type"]);
    }
}
