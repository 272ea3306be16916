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
    public async Task Echo_with_log_probabilities_shows_those_of_the_prompt_too()
    {
        await using var server = await TestServer.Real();
        var (_, plain) = await server.Post("/v1/completions", """{"prompt":[5,6,7],"max_tokens":4,"seed":1,"logprobs":2}""");
        var (_, echoed) = await server.Post("/v1/completions", """{"prompt":[5,6,7],"max_tokens":4,"seed":1,"logprobs":2,"echo":true,"n":2}""");
        var answer = plain["choices"]![0]!["logprobs"]!;
        var whole = echoed["choices"]![0]!["logprobs"]!;
        Assert.Equal([3, 4], [whole["tokens"]!.AsArray().Count - 4, answer["tokens"]!.AsArray().Count]);
        Assert.Equal(answer["token_logprobs"]!.ToJsonString(), new JsonArray([.. whole["token_logprobs"]!.AsArray().Skip(3).Select(one => one!.DeepClone())]).ToJsonString());
        Assert.Null(whole["token_logprobs"]![0]);
        Assert.Null(whole["top_logprobs"]![0]);
        Assert.True((double)whole["token_logprobs"]![1]! < 0);
        Assert.Equal(2, whole["top_logprobs"]![1]!.AsObject().Count);
        Assert.StartsWith("logprobs: ", (string?)echoed["usage"]!["prompt_tokens_details"]!["cache_miss_reason"], StringComparison.Ordinal);
        var second = echoed["choices"]![1]!["logprobs"]!["token_logprobs"]!;
        Assert.Equal((double)whole["token_logprobs"]![2]!, (double)second[2]!);
    }

    [Fact]
    public async Task A_prompt_is_scored_without_an_answer_and_in_a_stream()
    {
        await using var server = await TestServer.Real();
        const string Fields = "\"prompt\":[[5,6,7],[9,8]],\"max_tokens\":0,\"logprobs\":0,\"echo\":true";
        var (_, whole) = await server.Post("/v1/completions", $$"""{{{Fields}}}""");
        var events = await server.Stream("/v1/completions", $$"""{{{Fields}},"stream":true}""");
        Assert.Equal([3, 2], whole["choices"]!.AsArray().Select(choice => choice!["logprobs"]!["tokens"]!.AsArray().Count));
        Assert.Equal(0, (int)whole["usage"]!["completion_tokens"]!);
        Assert.Equal("length", (string?)whole["choices"]![1]!["finish_reason"]);
        Assert.Equal(whole["choices"]!.AsArray().Select(choice => choice!.ToJsonString()), events[..^1].ConvertAll(item => JsonNode.Parse(item.Data)!["choices"]![0]!.ToJsonString()));
    }

    [Theory]
    [InlineData("/v1/completions", """{"prompt":[5,6,7],"max_tokens":2,"prompt_logprobs":2}""")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2,"prompt_logprobs":2}""")]
    public async Task Prompt_log_probabilities_come_in_the_form_of_vLLM(string path, string request)
    {
        await using var server = await TestServer.Real();
        var (_, json) = await server.Post(path, request);
        var scores = (json["prompt_logprobs"] ?? json["choices"]![0]!["prompt_logprobs"])!.AsArray();
        Assert.Equal((int)json["usage"]!["prompt_tokens"]!, scores.Count);
        Assert.Null(scores[0]);
        foreach (var entry in scores.Skip(1).Select(score => score!.AsObject()))
        {
            var ranks = entry.Select(one => (int)one.Value!["rank"]!).ToArray();
            Assert.Equal(ranks[0] <= 2 ? 2 : 3, entry.Count);
            Assert.Equal([1, 2], ranks.Order().Take(2));
            Assert.NotNull((string?)entry.First().Value!["decoded_token"]);
            var best = (double)entry.Single(one => (int)one.Value!["rank"]! == 1).Value!["logprob"]!;
            Assert.All(entry, one => Assert.InRange((double)one.Value!["logprob"]!, double.MinValue, best));
        }
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
    [InlineData("""{"prompt":"a","prompt_logprobs":21}""", "prompt_logprobs")]
    [InlineData("""{"prompt":"a","prompt_logprobs":-1}""", "prompt_logprobs")]
    [InlineData("""{"prompt":"a","prompt_logprobs":1,"stream":true}""", "prompt_logprobs")]
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
