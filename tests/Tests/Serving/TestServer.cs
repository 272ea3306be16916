using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>A server on a free port of this machine, and a client for it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly InferenceEngine? engine;
    private readonly WebApplication app;

    private TestServer(WebApplication app, InferenceEngine? engine)
    {
        this.app = app;
        this.engine = engine;

        // An answer that is not read to its end closes the connection at once.
        Client = new HttpClient(new SocketsHttpHandler { MaxResponseDrainSize = 0 }) { BaseAddress = new Uri(app.Urls.First()), Timeout = TimeSpan.FromSeconds(30) };
    }

    public HttpClient Client { get; }

    /// <summary>Generations that have not ended.</summary>
    public int Running => app.Services.GetRequiredService<ServingState>().Running;

    public Uri Address => Client.BaseAddress!;

    /// <summary>Serves the placeholder model.</summary>
    public static Task<TestServer> Real(Action<ServingOptions>? configure = null, EngineOptions? engineOptions = null) => Open(RandomTiny.Folder, configure, engineOptions);

    /// <summary>Serves the reasoning model.</summary>
    public static Task<TestServer> Nano() => Open(M1Nano.Folder, null, null);

    /// <summary>Serves answers that the test wrote.</summary>
    public static Task<TestServer> Scripted(ScriptedAnswers answers, Action<ServingOptions>? configure = null) => Start(answers.Model, configure, null);

    /// <summary>Sends JSON text and reads the JSON that comes back.</summary>
    public async Task<(HttpStatusCode Status, JsonNode Json)> Post(string path, string json)
    {
        using var response = await Send(path, json);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!);
    }

    public async Task<JsonNode> Get(string path) => JsonNode.Parse(await Client.GetStringAsync(path, TestContext.Current.CancellationToken))!;

    /// <summary>Sends JSON text; the answer's body can be read while it comes.</summary>
    public Task<HttpResponseMessage> Send(string path, string json, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>The events of a stream: their names and data, comments included as events named ":".</summary>
    public async Task<List<(string? Name, string Data)>> Stream(string path, string json)
    {
        using var response = await Send(path, json);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    /// <summary>Stops as a signal would.</summary>
    public Task Stop() => app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
        engine?.Dispose();
    }

    private static Task<TestServer> Open(string folder, Action<ServingOptions>? configure, EngineOptions? engineOptions)
    {
        var engine = InferenceEngine.Open(folder, new ModelOptions { Threads = 1 }, engineOptions);
        return Start(ServedModel.Of(engine), configure, engine);
    }

    private static async Task<TestServer> Start(ServedModel model, Action<ServingOptions>? configure, InferenceEngine? engine)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddMiniMax(_ => model, configure);
        var app = builder.Build();
        app.MapMiniMax();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestServer(app, engine);
    }

    private static (string? Name, string Data) Parse(string block)
    {
        var lines = block.Split('\n');
        if (lines is [['e', 'v', 'e', 'n', 't', ':', ' ', .. var name], var second])
        {
            return (name, Data(second));
        }

        Assert.Single(lines);
        return lines[0].StartsWith(':') ? (":", lines[0]) : (null, Data(lines[0]));
    }

    private static string Data(string line)
    {
        Assert.StartsWith("data: ", line, StringComparison.Ordinal);
        return line["data: ".Length..];
    }
}
