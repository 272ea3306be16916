using System.Net;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;
using MiniMaxSharp.Tests.Cli;

namespace MiniMaxSharp.Tests.Serving;

public sealed class AccessTests : IDisposable
{
    private const string Request = """{"messages":[{"role":"user","content":"Hi"}]}""";
    private readonly ScratchFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Only_valid_keys_are_served_and_only_health_is_open()
    {
        var secret = ApiKeyFile.Add(folder["keys.json"], "alice");
        await using var server = await TestServer.Scripted(new ScriptedAnswers(), options => options.ApiKeyFile = folder["keys.json"]);
        foreach (var path in new[] { "/v1/models", "/v1/usage", "/metrics" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await server.Client.GetAsync(path, Cancellation)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/ready", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(server, "/v1/chat/completions"));
        Assert.Equal(HttpStatusCode.Unauthorized, await Status(server, "/v1/chat/completions", ("Authorization", "Bearer mm-wrong")));
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/v1/chat/completions", ("Authorization", $"Bearer {secret}")));
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/v1/chat/completions", ("x-api-key", secret)));
        using var refused = await server.Send("/v1/messages", Request);
        Assert.Contains("authentication_error", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_holds_hashes_and_only_its_owner_reads_it()
    {
        var path = folder["keys.json"];
        var secret = ApiKeyFile.Add(path, "alice", requestsPerMinute: 5);
        Assert.DoesNotContain(secret, File.ReadAllText(path), StringComparison.Ordinal);
        Assert.Equal(ApiKey.Hash(secret), Assert.Single(ApiKeyFile.Load(path)).Sha256);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.Throws<InvalidInputException>(() => ApiKeyFile.Add(path, "alice"));
    }

    [Fact]
    public void A_revoked_key_is_forgotten_while_the_server_runs()
    {
        var path = folder["keys.json"];
        var secret = ApiKeyFile.Add(path, "alice");
        ApiKeyFile.Add(path, "bob");
        var time = new SetClock();
        var ring = new ApiKeyRing(new ServingOptions { ApiKeyFile = path }, time);
        Assert.Equal("alice", ring.Find(secret)?.Name);
        ApiKeyFile.Revoke(path, "alice");
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(5));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(ring.Find(secret));
        Assert.Throws<InvalidInputException>(() => ApiKeyFile.Revoke(path, "alice"));
    }

    [Fact]
    public async Task Requests_beyond_the_limit_of_a_key_are_429_and_others_are_served()
    {
        var path = folder["keys.json"];
        var alice = ("x-api-key", ApiKeyFile.Add(path, "alice", requestsPerMinute: 2));
        var bob = ("x-api-key", ApiKeyFile.Add(path, "bob"));
        await using var server = await TestServer.Scripted(new ScriptedAnswers(), options => options.ApiKeyFile = path);
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/v1/chat/completions", alice));
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/v1/chat/completions", alice));
        using var refused = await server.Send("/v1/chat/completions", Request, alice);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 31);
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/v1/chat/completions", bob));
    }

    [Fact]
    public void Tokens_are_charged_and_come_back_with_time()
    {
        var time = new SetClock();
        var limits = new RateLimits(time);
        var caller = new Caller("alice", null, 600);
        Assert.Null(limits.TryEnter(caller));
        limits.Charge(caller, 1200);
        Assert.Equal("tokens", limits.TryEnter(caller)?.Limit);
        Assert.InRange(limits.TryEnter(caller)!.Value.Wait.TotalSeconds, 60, 61);
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.NotNull(limits.TryEnter(caller));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(limits.TryEnter(caller));
    }

    [Fact]
    public async Task Too_large_bodies_are_413()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers(), options => options.MaxRequestBytes = 1000);
        var (status, json) = await server.Post("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"{{new string('x', 2000)}}"}]}""");
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "request_too_large"), (status, (string?)json["error"]!["code"]));
        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new StreamContent(new MemoryStream(new byte[3000])) };
        chunked.Headers.TransferEncodingChunked = true;
        using var response = await server.Client.SendAsync(chunked, Cancellation);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("request_too_large", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_other_sites_need_permission()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers(), options => options.CorsOrigins = ["https://good.example"]);
        Assert.Equal(HttpStatusCode.Forbidden, await Status(server, "/v1/chat/completions", ("Origin", "https://evil.example")));
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/v1/chat/completions", ("Origin", server.Address.GetLeftPart(UriPartial.Authority))));
        using var allowed = await server.Send("/v1/chat/completions", Request, ("Origin", "https://good.example"));
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        Assert.Equal("https://good.example", allowed.Headers.GetValues("Access-Control-Allow-Origin").Single());
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        preflight.Headers.Add("Origin", "https://good.example");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        using var answer = await server.Client.SendAsync(preflight, Cancellation);
        Assert.Equal("https://good.example", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }

    [Fact]
    public async Task Metrics_models_and_unknown_paths()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = "one two three" });
        await server.Post("/v1/chat/completions", Request);
        var text = await server.Client.GetStringAsync("/metrics", Cancellation);
        Assert.Contains("# TYPE gen_ai_server_time_to_first_token_seconds histogram", text, StringComparison.Ordinal);
        Assert.Contains("gen_ai_server_token_usage_total{gen_ai_request_model=\"scripted\",gen_ai_token_type=\"output\"}", text, StringComparison.Ordinal);
        Assert.Contains("le=\"+Inf\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Hi", text, StringComparison.Ordinal);
        Assert.Equal("scripted", (string?)(await server.Get("/v1/models"))["data"]![0]!["id"]);
        Assert.Equal(4096, (int)(await server.Get("/v1/models/scripted"))["max_model_len"]!);
        var (status, json) = await server.Post("/v1/nothing", "{}");
        Assert.Equal((HttpStatusCode.NotFound, "not_found"), (status, (string?)json["error"]!["code"]));
        Assert.StartsWith("User-agent", await server.Client.GetStringAsync("/robots.txt", Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--host", "0.0.0.0")]
    [InlineData("--host", "somewhere")]
    [InlineData("--port", "99999")]
    [InlineData("--price-tier", "10:1")]
    [InlineData("--price-tier", "10:-1:1")]
    [InlineData("--cors-origin", "good.example")]
    [InlineData("--api-key-file", "/nowhere/keys.json")]
    [InlineData("--ledger", "/nowhere/usage.db")]
    [InlineData("--requests-per-minute", "0")]
    [InlineData("--max-running", "0")]
    [InlineData("--max-waiting", "-1")]
    [InlineData("--cache", "some")]
    [InlineData("--cache-bytes", "lots")]
    [InlineData("--cache-bytes", "1KiB")]
    [InlineData("--session-bytes", "-5")]
    [InlineData("--threads", "-1")]
    [InlineData("--timeout", "-1")]
    public async Task A_bad_configuration_fails_at_start(string option, string value)
    {
        var run = await CommandLineRun.Of("serve", RandomTiny.Folder, "--port", "0", "--threads", "1", option, value);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("minimax: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_are_made_listed_and_revoked_on_the_command_line()
    {
        var path = folder["keys.json"];
        var added = await CommandLineRun.Of("keys", "add", "alice", "--file", path, "--tokens-per-minute", "9");
        Assert.Equal(0, added.ExitCode);
        Assert.Equal(ApiKey.Hash(added.Output.Trim()), ApiKeyFile.Load(path)[0].Sha256);
        Assert.Equal(0, (await CommandLineRun.Of("keys", "revoke", "alice", "--file", path)).ExitCode);
        Assert.Contains("revoked", (await CommandLineRun.Of("keys", "list", "--file", path)).Output, StringComparison.Ordinal);
        Assert.Contains("\"tokens_per_minute\":9", (await CommandLineRun.Of("keys", "list", "--file", path, "--json")).Output, StringComparison.Ordinal);
        Assert.Equal(2, (await CommandLineRun.Of("keys", "revoke", "alice", "--file", path)).ExitCode);
    }

    /// <summary>A clock that moves when it is told to.</summary>
    private sealed class SetClock : TimeProvider
    {
        private long ticks = TimeSpan.TicksPerDay;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Advance(TimeSpan time) => ticks += time.Ticks;
    }

    private static async Task<HttpStatusCode> Status(TestServer server, string path, params (string Name, string Value)[] headers)
    {
        using var response = await server.Send(path, Request, headers);
        return response.StatusCode;
    }
}
