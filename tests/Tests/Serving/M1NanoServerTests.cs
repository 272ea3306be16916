using System.Net;
using System.Text.Json.Nodes;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>The server in front of a model whose answers are right or wrong.</summary>
public sealed class M1NanoServerTests
{
    private const string Calculator = """
        {"type":"function","function":{"name":"calculate","description":"Works out an arithmetic expression exactly.",
        "parameters":{"type":"object","properties":{"expression":{"type":"string"}},"required":["expression"]}}}
        """;

    [Theory]
    [InlineData("What is 47 + 85?", "132")]
    [InlineData("计算 90 - 17。", "73")]
    [InlineData("What is 7 times 8?", "56")]
    public async Task It_thinks_and_then_answers(string question, string answer)
    {
        await using var server = await TestServer.Nano();
        var (status, json) = await server.Post("/v1/chat/completions", Body(question, ""));
        Assert.Equal(HttpStatusCode.OK, status);
        var message = json["choices"]![0]!["message"]!;
        Assert.Contains($"\\boxed{{{answer}}}", (string)message["content"]!, StringComparison.Ordinal);
        Assert.Contains(answer, (string)message["reasoning_content"]!, StringComparison.Ordinal);
        Assert.Equal("stop", (string?)json["choices"]![0]!["finish_reason"]);
    }

    [Fact]
    public async Task A_stream_has_the_same_thoughts_and_answer()
    {
        await using var server = await TestServer.Nano();
        var (_, whole) = await server.Post("/v1/chat/completions", Body("What is 47 + 85?", ""));
        var events = await server.Stream("/v1/chat/completions", Body("What is 47 + 85?", ",\"stream\":true"));
        string Joined(string field) => string.Concat(events[..^1].Select(item => (string?)JsonNode.Parse(item.Data)!["choices"]![0]!["delta"]![field]));
        Assert.Equal((string?)whole["choices"]![0]!["message"]!["content"], Joined("content"));
        Assert.Equal((string?)whole["choices"]![0]!["message"]!["reasoning_content"], Joined("reasoning_content"));
    }

    [Fact]
    public async Task An_offered_calculator_is_called_and_its_result_is_the_answer()
    {
        await using var server = await TestServer.Nano();
        var (_, asked) = await server.Post("/v1/chat/completions", Body("What is 5069 + 3528?", $",\"tools\":[{Calculator}]"));
        Assert.Equal("tool_calls", (string?)asked["choices"]![0]!["finish_reason"]);
        var call = Assert.Single(asked["choices"]![0]!["message"]!["tool_calls"]!.AsArray())!;
        Assert.Equal("calculate", (string?)call["function"]!["name"]);
        Assert.Equal("5069 + 3528", (string?)JsonNode.Parse((string)call["function"]!["arguments"]!)!["expression"]);

        var messages = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = "What is 5069 + 3528?" },
            asked["choices"]![0]!["message"]!.DeepClone(),
            new JsonObject { ["role"] = "tool", ["tool_call_id"] = (string)call["id"]!, ["content"] = "8597" });
        var (status, told) = await server.Post("/v1/chat/completions", $"{{\"temperature\":0,\"max_tokens\":200,\"tools\":[{Calculator}],\"messages\":{messages.ToJsonString()}}}");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("\\boxed{8597}", (string)told["choices"]![0]!["message"]!["content"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_is_filled_with_what_it_thought_out()
    {
        await using var server = await TestServer.Nano();
        var (_, json) = await server.Post("/v1/chat/completions", Body("What is 47 + 85?", ",\"guided_regex\":\"The answer is \\\\\\\\boxed\\\\{[0-9]{1,6}\\\\}\""));
        Assert.Equal("The answer is \\boxed{132}", (string?)json["choices"]![0]!["message"]!["content"]);
    }

    [Theory]
    [InlineData("What is 5069 + 3528?\\nGive the answer as JSON.", 8597)]
    [InlineData("计算 64 - 7646。\\n用 JSON 回答：{\\\"answer\\\": …}", -7582)]
    public async Task A_schema_holds_the_right_number(string question, int answer)
    {
        await using var server = await TestServer.Nano();
        const string Schema = """
            ,"response_format":{"type":"json_schema","json_schema":{"name":"result","strict":true,"schema":
            {"type":"object","properties":{"answer":{"type":"integer"}},"required":["answer"],"additionalProperties":false}}}
            """;
        var (status, json) = await server.Post("/v1/chat/completions", Body(question, Schema));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(answer, (int)JsonNode.Parse((string)json["choices"]![0]!["message"]!["content"]!)!["answer"]!);
    }

    [Theory]
    [InlineData("What is the capital of France?")]
    [InlineData("Compute 8123456 + 99123.")]
    [InlineData("写一首关于春天的诗。")]
    public async Task What_it_has_not_learnt_it_declines(string question)
    {
        await using var server = await TestServer.Nano();
        var (_, json) = await server.Post("/v1/chat/completions", Body(question, ""));
        Assert.True(SmallTalk.SaysUnknown((string)json["choices"]![0]!["message"]!["content"]!), (string)json["choices"]![0]!["message"]!["content"]!);
    }

    [Fact]
    public async Task A_second_turn_is_right_too()
    {
        await using var server = await TestServer.Nano();
        var (_, first) = await server.Post("/v1/chat/completions", Body("What is 47 + 85?", ""));
        var said = (string)first["choices"]![0]!["message"]!["content"]!;
        var messages = new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = "What is 47 + 85?" },
            new JsonObject { ["role"] = "assistant", ["content"] = said },
            new JsonObject { ["role"] = "user", ["content"] = "Compute 90 - 17." });
        var (_, second) = await server.Post("/v1/chat/completions", $"{{\"temperature\":0,\"max_tokens\":400,\"messages\":{messages.ToJsonString()}}}");
        Assert.Contains("\\boxed{73}", (string)second["choices"]![0]!["message"]!["content"]!, StringComparison.Ordinal);
    }

    private static string Body(string question, string more) =>
        $"{{\"temperature\":0,\"max_tokens\":400,\"messages\":[{{\"role\":\"user\",\"content\":\"{question}\"}}]{more}}}";
}
