using System.Net;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tests.Cli;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>The server with the real engine and the placeholder model.</summary>
public sealed class ServeEngineTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_session_folder_without_a_cache_fails_at_start()
    {
        var run = await CommandLineRun.Of("serve", RandomTiny.Folder, "--port", "0", "--threads", "1", "--cache", "off", "--session-folder", folder["sessions"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("session folder", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prompt_is_still_known_after_a_graceful_restart()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGTERM.");
        var cold = await AskOnce();
        Assert.Equal(0, (int)cold["prompt_tokens_details"]!["cached_tokens"]!);
        Assert.NotEmpty(Directory.GetFiles(folder["sessions"], "*", SearchOption.AllDirectories));
        Assert.InRange((int)(await AskOnce())["prompt_tokens_details"]!["cached_tokens"]!, 512, 599);
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2}""", "prompt_tokens_details")]
    [InlineData("/v1/completions", """{"prompt":[1,2,3],"max_tokens":2}""", "prompt_tokens_details")]
    [InlineData("/v1/responses", """{"input":"Hi","max_output_tokens":2}""", "input_tokens_details")]
    [InlineData("/v1/messages", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2}""", null)]
    public async Task Every_protocol_says_why_the_cache_missed(string path, string body, string? details)
    {
        await using var server = await TestServer.Real();
        var (status, json) = await server.Post(path, body);
        Assert.Equal(HttpStatusCode.OK, status);
        var usage = json["usage"]!;
        Assert.StartsWith("short: ", (string?)(details is null ? usage : usage[details]!)["cache_miss_reason"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_a_cache_says_so()
    {
        await using var server = await TestServer.Real(engineOptions: new EngineOptions { CacheMode = PrefixCacheMode.Off });
        var (_, json) = await server.Post("/v1/completions", Prompt(600));
        Assert.StartsWith("off: ", (string?)json["usage"]!["prompt_tokens_details"]!["cache_miss_reason"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_takes_too_long_ends_with_504()
    {
        await using var server = await TestServer.Real(options => options.RequestTimeout = TimeSpan.FromMilliseconds(20));
        var (status, json) = await server.Post("/v1/completions", """{"prompt":[1,2,3],"max_tokens":4000,"ignore_eos":true}""");
        Assert.Equal((HttpStatusCode.GatewayTimeout, "timeout"), (status, (string?)json["error"]!["code"]));
    }

    [Fact]
    public async Task A_stream_that_takes_too_long_ends_with_an_error_event()
    {
        await using var server = await TestServer.Real(options => options.RequestTimeout = TimeSpan.FromMilliseconds(20));
        var events = await server.Stream("/v1/completions", """{"prompt":[1,2,3],"max_tokens":4000,"ignore_eos":true,"stream":true}""");
        Assert.Equal("[DONE]", events[^1].Data);
        Assert.Equal("timeout", (string?)JsonNode.Parse(events[^2].Data)!["error"]!["code"]);
    }

    [Theory]
    [InlineData("0.5", 0.5)]
    [InlineData("30", 2)]
    [InlineData("null", 2)]
    public async Task A_request_may_give_itself_less_time_than_the_server(string given, double seconds)
    {
        var answers = new ScriptedAnswers();
        await using var server = await TestServer.Scripted(answers, options => options.RequestTimeout = TimeSpan.FromSeconds(2));
        await server.Post("/v1/completions", $$"""{"prompt":[1],"timeout":{{given}}}""");
        Assert.Equal(TimeSpan.FromSeconds(seconds), Assert.Single(answers.Requests).Timeout);
        var (status, json) = await server.Post("/v1/completions", """{"prompt":[1],"timeout":0}""");
        Assert.Equal((HttpStatusCode.BadRequest, "timeout"), (status, (string?)json["error"]!["param"]));
    }

    [Theory]
    [InlineData("3", -3)]
    [InlineData("-7", 7)]
    [InlineData("-2147483648", int.MaxValue)]
    public async Task A_lower_priority_number_is_served_sooner(string given, int priority)
    {
        var answers = new ScriptedAnswers();
        await using var server = await TestServer.Scripted(answers);
        await server.Post("/v1/completions", $$"""{"prompt":[1],"priority":{{given}}}""");
        Assert.Equal(priority, Assert.Single(answers.Requests).Priority);
    }

    [Fact]
    public async Task Several_answers_count_their_prompt_once()
    {
        await using var server = await TestServer.Real();
        var (_, three) = await server.Post("/v1/completions", Prompt(600, ",\"n\":3"));
        Assert.Equal([0, 1, 2], three["choices"]!.AsArray().Select(choice => (int)choice!["index"]!));
        Assert.Equal(600, (int)three["usage"]!["prompt_tokens"]!);
        Assert.Equal(0, (int)three["usage"]!["prompt_tokens_details"]!["cached_tokens"]!);
        Assert.Equal(6, (int)three["usage"]!["completion_tokens"]!);
    }

    private static string Prompt(int tokens, string more = "") =>
        $$"""{"prompt":[{{string.Join(',', Enumerable.Range(0, tokens).Select(i => 10 + (i * 7 % 100)))}}],"max_tokens":2,"ignore_eos":true{{more}}}""";

    /// <summary>Starts a server process, asks one question, and stops it; the usage of the answer.</summary>
    private async Task<JsonNode> AskOnce()
    {
        using var server = await ServeProcess.Start("--session-folder", folder["sessions"]);
        var usage = JsonNode.Parse(await server.Post("/v1/completions", Prompt(600)))!["usage"]!;
        await server.Stop();
        return usage;
    }
}
