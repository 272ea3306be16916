using System.Net;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tests.Serving;

public sealed class CompletionsTests
{
    [Fact]
    public async Task Text_is_continued_with_echo_and_log_probabilities_apart()
    {
        await using var server = await TestServer.Real();
        var (status, plain) = await server.Post("/v1/completions", """{"prompt":"Once upon","max_tokens":5,"seed":1,"logprobs":2}""");
        var (_, echoed) = await server.Post("/v1/completions", """{"prompt":"Once upon","max_tokens":5,"seed":1,"echo":true}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("Once upon" + (string?)plain["choices"]![0]!["text"], (string?)echoed["choices"]![0]!["text"]);
        var logProbs = plain["choices"]![0]!["logprobs"]!;
        Assert.Equal(5, logProbs["tokens"]!.AsArray().Count);
        Assert.Equal(5, logProbs["token_logprobs"]!.AsArray().Count);
        Assert.Equal(2, logProbs["top_logprobs"]![0]!.AsObject().Count);
        Assert.Equal(0, (int)logProbs["text_offset"]![0]!);
        Assert.Equal((int)plain["usage"]!["prompt_tokens"]!, (int)echoed["usage"]!["prompt_tokens"]!);
    }

    [Fact]
    public async Task Several_prompts_and_answers_are_numbered_and_equal_single_ones()
    {
        await using var server = await TestServer.Real();
        var (_, many) = await server.Post("/v1/completions", """{"prompt":[[5,6,7],[9,8]],"n":2,"max_tokens":4,"seed":5}""");
        var (_, one) = await server.Post("/v1/completions", """{"prompt":[9,8],"n":2,"max_tokens":4,"seed":5}""");
        var texts = many["choices"]!.AsArray().Select(choice => (string?)choice!["text"]).ToArray();
        Assert.Equal([0, 1, 2, 3], many["choices"]!.AsArray().Select(choice => (int)choice!["index"]!));
        Assert.Equal(one["choices"]!.AsArray().Select(choice => (string?)choice!["text"]), texts[2..]);
        Assert.Equal((5, 16), ((int)many["usage"]!["prompt_tokens"]!, (int)many["usage"]!["completion_tokens"]!));
        Assert.Equal(2, (int)(await server.Get("/v1/usage"))["requests"]! - 1);
    }

    [Fact]
    public async Task A_stream_gives_the_same_text()
    {
        await using var server = await TestServer.Real();
        var (_, whole) = await server.Post("/v1/completions", """{"prompt":"Hi","seed":2}""");
        var events = await server.Stream("/v1/completions", """{"prompt":"Hi","seed":2,"stream":true}""");
        Assert.Equal("[DONE]", events[^1].Data);
        var chunks = events[..^1].ConvertAll(item => JsonNode.Parse(item.Data)!["choices"]![0]!);
        Assert.Equal((string?)whole["choices"]![0]!["text"], string.Concat(chunks.Select(chunk => (string?)chunk["text"])));
        Assert.Equal("length", (string?)chunks[^1]["finish_reason"]);
    }

    [Theory]
    [InlineData("{}", "prompt")]
    [InlineData("""{"prompt":""}""", "prompt")]
    [InlineData("""{"prompt":[]}""", "prompt")]
    [InlineData("""{"prompt":[100000]}""", "prompt")]
    [InlineData("""{"prompt":["a",5]}""", "prompt[1]")]
    [InlineData("""{"prompt":"a","logprobs":50}""", "logprobs")]
    [InlineData("""{"prompt":"a","echo":true,"logprobs":1}""", "echo")]
    public async Task Bad_requests_name_the_field(string request, string param)
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        var (status, json) = await server.Post("/v1/completions", request);
        Assert.Equal((HttpStatusCode.BadRequest, param), (status, (string?)json["error"]!["param"]));
    }

    [Fact]
    public async Task Tokens_go_there_and_back()
    {
        await using var server = await TestServer.Real();
        var (_, tokens) = await server.Post("/tokenize", """{"prompt":"Grüße, 世界 <end_of_sentence>"}""");
        var (_, text) = await server.Post("/detokenize", new JsonObject { ["tokens"] = tokens["tokens"]!.DeepClone() }.ToJsonString());
        Assert.Equal("Grüße, 世界 <end_of_sentence>", (string?)text["prompt"]);
        Assert.Equal(tokens["tokens"]!.AsArray().Count, (int)tokens["count"]!);
        Assert.Equal(4096, (int)tokens["max_model_len"]!);
        var (_, prompt) = await server.Post("/apply-template", """{"messages":[{"role":"user","content":"Hi"}]}""");
        Assert.Contains("user name=user\nHi<end_of_sentence>", (string?)prompt["prompt"], StringComparison.Ordinal);
        var (status, _) = await server.Post("/detokenize", """{"tokens":[99999]}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
    }
}
