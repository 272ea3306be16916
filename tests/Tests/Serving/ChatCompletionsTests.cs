using System.Net;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Serving;

public sealed class ChatCompletionsTests
{
    private const string Tools = """[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]""";
    private const string Calls = "<think>\nLook it up.\n</think>\n\nI ask.\n<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n"
        + "{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_calls>";

    [Fact]
    public async Task A_seeded_answer_is_repeatable_and_counts_its_tokens()
    {
        await using var server = await TestServer.Real();
        const string request = """{"model":"random-tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":8,"seed":3,"n":2,"logprobs":true,"top_logprobs":2}""";
        var (status, first) = await server.Post("/v1/chat/completions", request);
        var (_, second) = await server.Post("/v1/chat/completions", request);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("chat.completion", (string?)first["object"]);
        Assert.Equal(first["choices"]!.ToJsonString(), second["choices"]!.ToJsonString());
        Assert.NotEqual((string?)first["choices"]![0]!["message"]!["content"], (string?)first["choices"]![1]!["message"]!["content"]);
        Assert.Equal("length", (string?)first["choices"]![1]!["finish_reason"]);
        Assert.Equal(16, (int)first["usage"]!["completion_tokens"]!);
        Assert.Equal((int)first["usage"]!["prompt_tokens"]! + 16, (int)first["usage"]!["total_tokens"]!);
        var logProbs = first["choices"]![0]!["logprobs"]!["content"]!.AsArray();
        Assert.Equal(8, logProbs.Count);
        Assert.All(logProbs, one => Assert.Equal(2, one!["top_logprobs"]!.AsArray().Count));
        Assert.All(logProbs, one => Assert.True((double)one!["logprob"]! <= 0));
    }

    [Fact]
    public async Task A_stream_says_the_role_first_then_the_same_text_then_the_usage()
    {
        await using var server = await TestServer.Real();
        const string common = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":12,\"seed\":4";
        var (_, whole) = await server.Post("/v1/chat/completions", $"{{{common}}}");
        var events = await server.Stream("/v1/chat/completions", $"{{{common},\"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}");
        Assert.Equal("[DONE]", events[^1].Data);
        var chunks = events[..^1].ConvertAll(item => JsonNode.Parse(item.Data)!);
        Assert.Single(chunks.Select(chunk => (string?)chunk["id"]).Distinct());
        Assert.Equal("assistant", (string?)chunks[0]["choices"]![0]!["delta"]!["role"]);
        Assert.Equal((string?)whole["choices"]![0]!["message"]!["content"], string.Concat(chunks[..^1].Select(chunk => (string?)chunk["choices"]![0]!["delta"]!["content"])));
        Assert.Equal("length", (string?)chunks[^2]["choices"]![0]!["finish_reason"]);
        Assert.Empty(chunks[^1]["choices"]!.AsArray());
        Assert.Equal(whole["usage"]!.ToJsonString(), chunks[^1]["usage"]!.ToJsonString());
        Assert.All(chunks[..^1], chunk => Assert.Null(chunk["usage"]));
    }

    [Fact]
    public async Task Reasoning_and_tool_calls_are_told_apart()
    {
        var answers = new ScriptedAnswers { Text = Calls, CachedTokens = 7 };
        await using var server = await TestServer.Scripted(answers);
        var (_, json) = await server.Post("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"Weather?"}],"tools":{{Tools}}}""");
        var choice = json["choices"]![0]!;
        Assert.Equal("tool_calls", (string?)choice["finish_reason"]);
        Assert.Equal("\nLook it up.\n", (string?)choice["message"]!["reasoning_content"]);
        Assert.Equal("I ask.\n", (string?)choice["message"]!["content"]);
        var calls = choice["message"]!["tool_calls"]!.AsArray();
        Assert.Equal(["{\"city\": \"Paris\"}", "{\"city\": \"Rome\"}"], calls.Select(call => (string?)call!["function"]!["arguments"]));
        Assert.Equal(2, calls.Select(call => (string?)call!["id"]).Distinct().Count());
        Assert.Equal(7, (int)json["usage"]!["prompt_tokens_details"]!["cached_tokens"]!);
        Assert.InRange((int)json["usage"]!["completion_tokens_details"]!["reasoning_tokens"]!, 1, (int)json["usage"]!["completion_tokens"]! - 1);
    }

    [Fact]
    public async Task Tool_arguments_are_streamed_in_pieces()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = Calls });
        var events = await server.Stream("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"Weather?"}],"stream":true,"tools":{{Tools}}}""");
        var deltas = events[..^1].ConvertAll(item => JsonNode.Parse(item.Data)!["choices"]![0]!["delta"]!);
        Assert.Equal("\nLook it up.\n", string.Concat(deltas.Select(delta => (string?)delta["reasoning_content"])));
        var calls = deltas.Where(delta => delta["tool_calls"] is not null).Select(delta => delta["tool_calls"]![0]!).ToArray();
        Assert.Equal(["weather", "weather"], calls.Where(call => call["id"] is not null).Select(call => (string?)call["function"]!["name"]));
        var first = calls.Where(call => (int)call["index"]! == 0).Select(call => (string?)call["function"]!["arguments"]).ToArray();
        Assert.Equal("{\"city\": \"Paris\"}", string.Concat(first));
        Assert.True(first.Length > 3, $"only {first.Length} pieces");
    }

    [Theory]
    [InlineData("""{"tool_choice":"none","tools":[{"type":"function","function":{"name":"weather"}}]}""")]
    [InlineData("{}")]
    public async Task Without_offered_tools_a_block_of_calls_is_text(string more)
    {
        var answers = new ScriptedAnswers { Text = "<tool_calls>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_calls>" };
        await using var server = await TestServer.Scripted(answers);
        var request = JsonNode.Parse(more)!.AsObject();
        request["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hi" });
        var (_, json) = await server.Post("/v1/chat/completions", request.ToJsonString());
        Assert.Equal(answers.Text, (string?)json["choices"]![0]!["message"]!["content"]);
        Assert.Equal("stop", (string?)json["choices"]![0]!["finish_reason"]);
    }

    [Fact]
    public async Task Every_sampling_parameter_reaches_the_engine()
    {
        var answers = new ScriptedAnswers();
        await using var server = await TestServer.Scripted(answers);
        var (status, _) = await server.Post("/v1/chat/completions", """
            {"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hi"}],"temperature":0.5,"top_p":0.6,"top_k":7,"min_p":0.05,"seed":-1,
             "stop":["x","y"],"stop_token_ids":[3],"max_completion_tokens":9,"max_tokens":5,"n":2,"logit_bias":{"5":-100},"presence_penalty":0.1,
             "frequency_penalty":0.2,"repetition_penalty":1.1,"logprobs":true,"top_logprobs":3,"ignore_eos":true,"min_tokens":2,"repetition_stop_count":3000,
             "thinking_token_budget":11,"unknown_field":{"a":1},"user":"me"}
            """);
        Assert.Equal(HttpStatusCode.OK, status);
        var request = Assert.Single(answers.Requests);
        var sampling = request.Sampling;
        Assert.Equal((0.5, 0.6, 7, 0.05), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MinP));
        Assert.Equal((ulong.MaxValue, 9, 2), (sampling.Seed, sampling.MaxTokens, sampling.MinTokens));
        Assert.Equal((0.1, 0.2, 1.1), (sampling.PresencePenalty, sampling.FrequencyPenalty, sampling.RepetitionPenalty));
        Assert.Equal((true, 3, true, 3000, 11), (sampling.LogProbs, sampling.TopLogProbs, sampling.IgnoreEos, sampling.RepetitionStopCount, sampling.ThinkingBudget));
        Assert.Equal(["x", "y"], sampling.Stop);
        Assert.Equal([3], sampling.StopTokenIds);
        Assert.Equal(-100f, sampling.LogitBias![5]);
        Assert.Equal(2, request.Count);
        Assert.InRange(Assert.Single(request.CacheBreakpoints), 1, request.Prompt.Length - 1);
    }

    [Theory]
    [InlineData("""{"thinking":{"type":"enabled","budget_tokens":300}}""", 300, true)]
    [InlineData("""{"reasoning_effort":"low"}""", 2048, true)]
    [InlineData("""{"reasoning_effort":"low","thinking_token_budget":5}""", 5, true)]
    [InlineData("""{"reasoning_effort":"none"}""", null, false)]
    [InlineData("""{"enable_thinking":false}""", null, false)]
    [InlineData("""{"thinking":{"type":"disabled"}}""", null, false)]
    [InlineData("""{"chat_template_kwargs":{"enable_thinking":false}}""", null, false)]
    [InlineData("{}", null, true)]
    public async Task Thinking_is_limited_or_switched_off_in_every_spelling(string more, int? budget, bool thinks)
    {
        var answers = new ScriptedAnswers();
        await using var server = await TestServer.Scripted(answers);
        var request = JsonNode.Parse(more)!.AsObject();
        request["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hi" });
        await server.Post("/v1/chat/completions", request.ToJsonString());
        var sent = Assert.Single(answers.Requests);
        Assert.Equal(budget, sent.Sampling.ThinkingBudget);
        Assert.Equal(!thinks, answers.Model.Tokenizer.Decode(sent.Prompt.Span).EndsWith("<think>\n\n</think>\n\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"temperature\":\"hot\"", "temperature")]
    [InlineData("\"temperature\":3000", "temperature")]
    [InlineData("\"top_p\":1.5", "top_p")]
    [InlineData("\"n\":0", "n")]
    [InlineData("\"max_tokens\":0", "max_tokens")]
    [InlineData("\"max_tokens\":1.5", "max_tokens")]
    [InlineData("\"stop\":[1]", "stop[0]")]
    [InlineData("\"stop\":\"\"", "stop")]
    [InlineData("\"logit_bias\":{\"x\":1}", "logit_bias")]
    [InlineData("\"logit_bias\":{\"5\":\"x\"}", "logit_bias.5")]
    [InlineData("\"top_logprobs\":99", "top_logprobs")]
    [InlineData("\"stream\":1", "stream")]
    [InlineData("\"stream_options\":[],\"stream\":true", "stream_options")]
    [InlineData("\"reasoning_effort\":\"huge\"", "reasoning_effort")]
    [InlineData("\"thinking\":{\"type\":\"maybe\"}", "thinking.type")]
    [InlineData("\"chat_template_kwargs\":{\"colour\":1}", "chat_template_kwargs.colour")]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData("\"tools\":[1]", "tools[0]")]
    public async Task A_bad_field_is_named(string field, string param)
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        var (status, json) = await server.Post("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"Hi"}],{{field}}}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(param, (string?)json["error"]!["param"]);
        Assert.Equal("invalid_request_error", (string?)json["error"]!["type"]);
        Assert.Contains(param.Split('.', '[')[0], (string?)json["error"]!["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("[]", "object")]
    [InlineData("{\"messages\":", "JSON")]
    [InlineData("{}", "messages")]
    [InlineData("{\"messages\":[]}", "messages")]
    [InlineData("{\"messages\":[{\"role\":\"alien\",\"content\":\"x\"}]}", "alien")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", "text only")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", "surrogate")]
    [InlineData("{\"model\":\"\\ud800\",\"messages\":[]}", "surrogate")]
    public async Task A_bad_body_is_refused_with_400(string body, string expected)
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        var (status, json) = await server.Post("/v1/chat/completions", body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(expected, (string?)json["error"]!["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_long_prompts_unknown_models_and_invalid_utf8_have_their_own_errors()
    {
        await using var server = await TestServer.Real();
        var (status, json) = await server.Post("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"{{string.Concat(Enumerable.Repeat("xq ", 4000))}}"}]}""");
        Assert.Equal((HttpStatusCode.BadRequest, "context_length_exceeded"), (status, (string?)json["error"]!["code"]));
        (status, json) = await server.Post("/v1/chat/completions", """{"model":"gpt-5","messages":[{"role":"user","content":"Hi"}]}""");
        Assert.Equal((HttpStatusCode.NotFound, "model_not_found"), (status, (string?)json["error"]!["code"]));
        using var bytes = new ByteArrayContent([(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        using var response = await server.Client.PostAsync("/v1/chat/completions", bytes, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_failure_in_mid_stream_is_an_error_event_and_hides_the_inside()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = "one two three", Failure = new InvalidOperationException("secret path /etc") });
        var events = await server.Stream("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""");
        Assert.Equal("[DONE]", events[^1].Data);
        var error = JsonNode.Parse(events[^2].Data)!["error"]!;
        Assert.Equal("server_error", (string?)error["type"]);
        Assert.DoesNotContain("secret", events[^2].Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FinishReason.TimedOut, HttpStatusCode.GatewayTimeout)]
    [InlineData(FinishReason.Cancelled, HttpStatusCode.ServiceUnavailable)]
    public async Task An_answer_that_the_server_cut_off_is_an_error(FinishReason reason, HttpStatusCode expected)
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Finish = reason }, options => options.RequestTimeout = TimeSpan.FromSeconds(9));
        var (status, _) = await server.Post("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}""");
        Assert.Equal(expected, status);
    }
}
