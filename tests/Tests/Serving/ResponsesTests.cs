using System.Net;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Serving;

public sealed class ResponsesTests
{
    private const string Answer = "<think>\nHm.\n</think>\n\nDone.\n<tool_calls>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_calls>";
    private const string Request = """{"input":"Do it","instructions":"Be brief","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"stream":false}""";

    [Fact]
    public async Task Output_items_are_reasoning_message_and_function_call()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Answer, CachedTokens = 3 });
        var (status, json) = await server.Post("/v1/responses", Request);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("completed", (string?)json["status"]);
        var output = json["output"]!.AsArray();
        Assert.Equal(["reasoning", "message", "function_call"], output.Select(item => (string?)item!["type"]));
        Assert.Equal("Done.\n", (string?)output[1]!["content"]![0]!["text"]);
        Assert.Equal(("f", "{\"a\": 1}"), ((string?)output[2]!["name"], (string?)output[2]!["arguments"]));
        Assert.Equal(3, (int)json["usage"]!["input_tokens_details"]!["cached_tokens"]!);
        Assert.True((int)json["usage"]!["output_tokens_details"]!["reasoning_tokens"]! > 0);
    }

    [Fact]
    public async Task The_events_of_a_stream_add_up_to_the_response()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Answer });
        var events = await server.Stream("/v1/responses", Request.Replace("false", "true", StringComparison.Ordinal));
        var json = events.ConvertAll(item => JsonNode.Parse(item.Data)!);
        Assert.All(events.Zip(json), pair => Assert.Equal(pair.First.Name, (string?)pair.Second["type"]));
        Assert.Equal(Enumerable.Range(0, events.Count), json.Select(item => (int)item["sequence_number"]!));
        Assert.Equal(["response.created", "response.in_progress", "response.output_item.added"], events.Take(3).Select(item => item.Name));
        Assert.Equal("response.completed", events[^1].Name);
        Assert.Equal("Done.\n", string.Concat(json.Where(item => (string?)item["type"] == "response.output_text.delta").Select(item => (string?)item["delta"])));
        Assert.Equal("{\"a\": 1}", string.Concat(json.Where(item => (string?)item["type"] == "response.function_call_arguments.delta").Select(item => (string?)item["delta"])));
        var done = json.Where(item => (string?)item["type"] == "response.output_item.done").Select(item => item["item"]!.ToJsonString());
        Assert.Equal(done, json[^1]["response"]!["output"]!.AsArray().Select(item => item!.ToJsonString()));
    }

    [Fact]
    public async Task A_conversation_of_items_becomes_the_same_prompt_as_chat_messages()
    {
        var answers = new ScriptedAnswers();
        await using var server = await TestServer.Scripted(answers);
        await server.Post("/v1/responses", """
            {"instructions":"S","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"input":[
              {"role":"user","content":[{"type":"input_text","text":"Q"}]},
              {"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"t"}]},
              {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
              {"type":"function_call_output","call_id":"c1","output":"42"}]}
            """);
        await server.Post("/v1/chat/completions", """
            {"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},
              {"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"42"}]}
            """);
        Assert.Equal(answers.Requests[1].Prompt.ToArray(), answers.Requests[0].Prompt.ToArray());
    }

    [Fact]
    public async Task A_cut_answer_is_incomplete_and_what_is_not_stored_is_refused()
    {
        await using var server = await TestServer.Real();
        var (_, json) = await server.Post("/v1/responses", """{"input":"Hi","max_output_tokens":3}""");
        Assert.Equal(("incomplete", "max_output_tokens"), ((string?)json["status"], (string?)json["incomplete_details"]!["reason"]));
        var (status, error) = await server.Post("/v1/responses", """{"input":"Hi","previous_response_id":"resp_1"}""");
        Assert.Equal((HttpStatusCode.BadRequest, "previous_response_id"), (status, (string?)error["error"]!["param"]));
    }

    [Fact]
    public async Task A_failure_in_mid_stream_ends_with_response_failed()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = "a b c", Failure = new InvalidOperationException("x") });
        var events = await server.Stream("/v1/responses", """{"input":"Hi","stream":true}""");
        Assert.Equal(["error", "response.failed"], events[^2..].Select(item => item.Name));
    }
}
