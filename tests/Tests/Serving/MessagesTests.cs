using System.Net;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Serving;

public sealed class MessagesTests
{
    private const string Answer = "<think>\nHm.\n</think>\n\nI ask.\n<tool_calls>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_calls>";
    private const string Tools = """[{"name":"f","description":"d","input_schema":{"type":"object"}}]""";

    [Fact]
    public async Task Blocks_are_thinking_with_signature_text_and_tool_use()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Answer, CachedTokens = 5 });
        var (status, json) = await server.Post("/v1/messages", $$"""{"model":"scripted","max_tokens":200,"tools":{{Tools}},"messages":[{"role":"user","content":"Q"}]}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("tool_use", (string?)json["stop_reason"]);
        var content = json["content"]!.AsArray();
        Assert.Equal(["thinking", "text", "tool_use"], content.Select(block => (string?)block!["type"]));
        Assert.NotEmpty((string)content[0]!["signature"]!);
        Assert.Equal(1, (int)content[2]!["input"]!["a"]!);
        Assert.Equal(5, (int)json["usage"]!["cache_read_input_tokens"]!);
        var (_, count) = await server.Post("/v1/messages/count_tokens", $$"""{"model":"scripted","tools":{{Tools}},"messages":[{"role":"user","content":"Q"}]}""");
        Assert.Equal((int)count["input_tokens"]!, (int)json["usage"]!["input_tokens"]! + 5);
    }

    [Fact]
    public async Task The_event_sequence_is_that_of_the_protocol()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Answer });
        var events = await server.Stream("/v1/messages", $$"""{"max_tokens":200,"stream":true,"tools":{{Tools}},"messages":[{"role":"user","content":"Q"}]}""");
        var json = events.ConvertAll(item => JsonNode.Parse(item.Data)!);
        Assert.All(events.Zip(json), pair => Assert.Equal(pair.First.Name, (string?)pair.Second["type"]));
        string[] outline = [.. events.Where(item => item.Name is not ("content_block_delta" or "ping")).Select(item => item.Name!)];
        const string start = "content_block_start", stop = "content_block_stop";
        Assert.Equal(["message_start", start, stop, start, stop, start, stop, "message_delta", "message_stop"], outline);
        var deltas = json.Where(item => (string?)item["type"] == "content_block_delta").ToArray();
        Assert.Equal([0, 1, 2], deltas.Select(delta => (int)delta["index"]!).Distinct());
        Assert.Equal("signature_delta", (string?)deltas.Last(delta => (int)delta["index"]! == 0)["delta"]!["type"]);
        Assert.Equal("{\"a\": 1}", string.Concat(deltas.Select(delta => (string?)delta["delta"]!["partial_json"])));
        Assert.Equal("I ask.\n", string.Concat(deltas.Select(delta => (string?)delta["delta"]!["text"])));
        Assert.Equal("tool_use", (string?)json[^2]["delta"]!["stop_reason"]);
        Assert.True((int)json[^2]["usage"]!["output_tokens"]! > 10);
    }

    [Fact]
    public async Task A_conversation_with_results_becomes_the_same_prompt_as_chat_messages()
    {
        var answers = new ScriptedAnswers { Text = Answer };
        await using var server = await TestServer.Scripted(answers);
        var (_, first) = await server.Post("/v1/messages", $$"""{"max_tokens":200,"tools":{{Tools}},"messages":[{"role":"user","content":"Q"}]}""");
        var blocks = first["content"]!.ToJsonString();
        var id = (string?)first["content"]![2]!["id"];
        await server.Post("/v1/messages", $$$"""
            {"max_tokens":9,"tools":{{{Tools}}},"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[
              {"role":"user","content":[{"type":"text","text":"Q","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":{{{blocks}}}},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"{{{id}}}","content":[{"type":"text","text":"42"}]},{"type":"text","text":"So?"}]}]}
            """);
        await server.Post("/v1/chat/completions", """
            {"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"messages":[{"role":"system","content":"S"},
              {"role":"user","content":"Q"},{"role":"assistant","content":"I ask.\n","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},
              {"role":"tool","tool_call_id":"c","content":"42"},{"role":"user","content":"So?"}]}
            """);
        var messages = answers.Requests[1];
        Assert.Equal(answers.Requests[2].Prompt.ToArray(), messages.Prompt.ToArray());
        Assert.Equal(2, messages.CacheBreakpoints.Count);
        var tokenizer = answers.Model.Tokenizer;
        Assert.EndsWith("</tool_calls><end_of_sentence>\n", tokenizer.Decode(messages.Prompt.Span[..messages.CacheBreakpoints[0]]), StringComparison.Ordinal);
        Assert.EndsWith("user name=user\nQ<end_of_sentence>\n", tokenizer.Decode(messages.Prompt.Span[..messages.CacheBreakpoints[1]]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_sequences_are_named()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = "one two three four" });
        var (_, json) = await server.Post("/v1/messages", """{"max_tokens":50,"stop_sequences":["zzz"," three"],"messages":[{"role":"user","content":"Q"}]}""");
        Assert.Equal(("stop_sequence", " three"), ((string?)json["stop_reason"], (string?)json["stop_sequence"]));
        Assert.Equal("one two", (string?)json["content"]![0]!["text"]);
        (_, json) = await server.Post("/v1/messages", """{"max_tokens":50,"messages":[{"role":"user","content":"Q"}]}""");
        Assert.Equal("end_turn", (string?)json["stop_reason"]);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"Q"}]}""", "max_tokens")]
    [InlineData("""{"max_tokens":5,"messages":[]}""", "messages")]
    [InlineData("""{"max_tokens":5,"messages":[{"role":"robot","content":"Q"}]}""", "robot")]
    [InlineData("""{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"image"}]}]}""", "text only")]
    [InlineData("""{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x"}]}]}""", "tool_use_id")]
    [InlineData("""{"max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"forged"}]}]}""", "signature")]
    [InlineData("""{"max_tokens":5,"tool_choice":{"type":"any"},"messages":[{"role":"user","content":"Q"}]}""", "tool_choice")]
    [InlineData("""{"max_tokens":5,"temperature":-1,"messages":[{"role":"user","content":"Q"}]}""", "temperature")]
    public async Task Errors_have_the_shape_of_the_protocol(string request, string expected)
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        var (status, json) = await server.Post("/v1/messages", request);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(("error", "invalid_request_error"), ((string?)json["type"], (string?)json["error"]!["type"]));
        Assert.Contains(expected, (string?)json["error"]!["message"], StringComparison.Ordinal);
        Assert.StartsWith("req_", (string?)json["request_id"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_in_mid_stream_is_an_error_event()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = "a b c", Failure = new InvalidOperationException("x") });
        var events = await server.Stream("/v1/messages", """{"max_tokens":50,"stream":true,"messages":[{"role":"user","content":"Q"}]}""");
        Assert.Equal("error", events[^1].Name);
        Assert.Equal("api_error", (string?)JsonNode.Parse(events[^1].Data)!["error"]!["type"]);
    }
}
