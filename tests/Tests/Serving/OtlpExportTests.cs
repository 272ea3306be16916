using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using MiniMaxSharp.Tests.Cli;

namespace MiniMaxSharp.Tests.Serving;

public sealed class OtlpExportTests
{
    private const string Secret = "correct horse battery staple";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_collector_gets_spans_and_metrics_of_generations_and_no_prompt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGTERM.");
        var bodies = new ConcurrentDictionary<string, string>();
        await using var collector = await StartCollector(bodies);
        string log;
        using (var server = await ServeProcess.Start("--otlp", collector.Urls.First()))
        {
            await server.Post("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"{{Secret}}"}],"max_tokens":3}""");
            log = await server.Stop();
        }

        var (traces, metrics) = (bodies["/v1/traces"], bodies["/v1/metrics"]);
        foreach (var name in new[] { "chat random-tiny", "gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.response.finish_reasons", "Microsoft.AspNetCore" })
        {
            Assert.Contains(name, traces, StringComparison.Ordinal);
        }

        foreach (var name in new[]
        {
            "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token", "gen_ai.server.token.usage",
            "minimax.request.queue_time", "minimax.requests.running", "minimax.engine.answers", "minimax.engine.memory", "minimax.cache.requests", "minimax.expert.tokens",
        })
        {
            Assert.Contains(name, metrics, StringComparison.Ordinal);
        }

        Assert.All([traces, metrics, log], text => Assert.DoesNotContain("horse", text, StringComparison.Ordinal));
        Assert.Contains(" chat ", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collector_that_is_not_there_harms_no_answer()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGTERM.");
        using var server = await ServeProcess.Start("--otlp", "http://127.0.0.1:1");
        await server.Post("/v1/completions", """{"prompt":[1,2],"max_tokens":1}""");
        await server.Stop();
    }

    [Theory]
    [InlineData("collector:4318")]
    [InlineData("ftp://collector")]
    [InlineData("")]
    public async Task An_address_that_is_none_fails_at_start(string endpoint)
    {
        var run = await CommandLineRun.Of("serve", RandomTiny.Folder, "--port", "0", "--otlp", endpoint);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--otlp", run.Error, StringComparison.Ordinal);
    }

    /// <summary>Keeps what is sent to each path; the names in protobuf are plain UTF-8.</summary>
    private static async Task<WebApplication> StartCollector(ConcurrentDictionary<string, string> bodies)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            bodies.AddOrUpdate(context.Request.Path, _ => Encoding.UTF8.GetString(body.ToArray()), (_, sofar) => sofar + Encoding.UTF8.GetString(body.ToArray()));
            context.Response.ContentType = "application/x-protobuf";
        });
        await app.StartAsync(Cancellation);
        return app;
    }
}
