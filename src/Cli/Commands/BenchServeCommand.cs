using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;
using Spectre.Console;
using static System.FormattableString;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax bench serve</c>: a server under load.</summary>
internal static class BenchServeCommand
{
    private const string Help = """
        Sends requests to a server and measures tokens per second, time to the first token (TTFT), time between tokens (ITL) and whole requests.
        TARGET is the address of any server with /v1/completions that takes token ids and ignore_eos, or a model, which is then served
        in this process. Without --rate a closed loop of --clients; with it an open loop, in which requests arrive by a Poisson process
        whether or not earlier ones are answered. --prefix measures what a prompt keeps of an earlier one instead.

        Examples:
          minimax bench serve http://127.0.0.1:8080 --clients 8 --requests 64
          minimax bench serve http://127.0.0.1:8080 --rate 2.5 --requests 200 --prompt-tokens 64-512 --json
          minimax bench serve models/m1-nano --prefix
        """;

    private static readonly Argument<string> target = new("TARGET") { Description = "http://… or a model." };
    private static readonly Option<int> requests = new("--requests") { Description = "Requests that count.", DefaultValueFactory = _ => 64 };
    private static readonly Option<int> clients = new("--clients", "-c") { Description = "Clients of a closed loop.", DefaultValueFactory = _ => 8 };
    private static readonly Option<double?> rate = new("--rate") { Description = "Requests per second of an open loop.", HelpName = "R" };
    private static readonly Option<string> promptTokens = new("--prompt-tokens", "-p") { Description = "Length of a prompt, or a range such as 64-512.", DefaultValueFactory = _ => "128" };
    private static readonly Option<string> generatedTokens = new("--generated-tokens", "-n") { Description = "Length of an answer, or a range.", DefaultValueFactory = _ => "64" };
    private static readonly Option<int> vocabulary = new("--vocabulary") { Description = "Prompts are random ids below this.", DefaultValueFactory = _ => 256 };
    private static readonly Option<int> seed = new("--seed") { Description = "Of arrivals, lengths and prompts.", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> warmUp = new("--warm-up") { Description = "Requests before those that count.", DefaultValueFactory = _ => 8 };
    private static readonly Option<bool> prefix = new("--prefix") { Description = "Measure the reuse of prompts instead." };
    private static readonly Option<string> path = new("--path") { Description = "Endpoint of the server; completion is llama-server's own.", DefaultValueFactory = _ => "v1/completions" };
    private static readonly Option<string?> key = new("--api-key") { Description = "API key of the server; default the variable MINIMAX_API_KEY.", HelpName = "KEY" };
    private static readonly Option<string?> name = new("--name") { Description = "What the server calls the model." };
    private static readonly Option<bool> json = new("--json") { Description = "Print one JSON object." };
    private static readonly EngineFlags engineFlags = new();

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("serve", Help) { target, requests, clients, rate, promptTokens, generatedTokens, vocabulary, seed, warmUp, prefix, path, key, name, json };
        foreach (var option in engineFlags.All)
        {
            command.Add(option);
        }

        command.SetAction(Run);
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        var shape = Shape(parsed);
        var address = parsed.GetRequiredValue(target);
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        if ((parsed.GetValue(key) ?? Environment.GetEnvironmentVariable("MINIMAX_API_KEY")) is { Length: > 0 } secret)
        {
            http.DefaultRequestHeaders.Authorization = new("Bearer", secret);
        }

        if (Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        {
            return await Measure(parsed, shape, new CompletionCall(http, new Uri(Folder(uri), parsed.GetRequiredValue(path)), parsed.GetValue(name)), cancellationToken).ConfigureAwait(false);
        }

        using var engine = engineFlags.Open(parsed, address);
        await using var app = Serve(engine);
        await app.StartAsync(cancellationToken).ConfigureAwait(false);
        var listening = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return await Measure(parsed, shape, new CompletionCall(http, new Uri(Folder(new Uri(listening)), parsed.GetRequiredValue(path)), null), cancellationToken).ConfigureAwait(false);
    }

    private static LoadShape Shape(ParseResult parsed)
    {
        if (parsed.GetValue(requests) < 1 || parsed.GetValue(clients) < 1 || parsed.GetValue(vocabulary) < 2 || parsed.GetValue(warmUp) < 0 || parsed.GetValue(rate) is <= 0)
        {
            throw new InvalidInputException("--requests, --clients must be at least 1, --vocabulary at least 2, --rate above 0, --warm-up not negative.");
        }

        return new LoadShape
        {
            Requests = parsed.GetValue(requests),
            Rate = parsed.GetValue(rate),
            PromptTokens = LengthRange.Parse(parsed.GetRequiredValue(promptTokens), "--prompt-tokens"),
            GeneratedTokens = LengthRange.Parse(parsed.GetRequiredValue(generatedTokens), "--generated-tokens"),
            Vocabulary = parsed.GetValue(vocabulary),
            Seed = parsed.GetValue(seed),
        };
    }

    private static WebApplication Serve(InferenceEngine engine)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        builder.Services.AddMiniMax(_ => ServedModel.Of(engine, null), static _ => { });
        var app = builder.Build();
        app.MapMiniMax();
        return app;
    }

    private static Uri Folder(Uri uri) => uri.AbsoluteUri.EndsWith('/') ? uri : new Uri(uri.AbsoluteUri + "/");

    private static async Task<int> Measure(ParseResult parsed, LoadShape shape, CompletionCall call, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(prefix))
        {
            return await MeasurePrefixes(parsed, shape, call, cancellationToken).ConfigureAwait(false);
        }

        var error = parsed.InvocationConfiguration.Error;
        var before = shape with { Requests = parsed.GetValue(warmUp), Rate = null, Seed = ~shape.Seed };
        await LoadRun.Send(before.Create(), parsed.GetValue(clients), call.Send, null, cancellationToken).ConfigureAwait(false);
        var progress = new ProgressLine(error, shape.Requests, ProgressLine.IsTerminal(error), TimeProvider.System, static done => Invariant($"{done:0.#} requests"));
        var (results, elapsed) = await LoadRun.Send(shape.Create(), parsed.GetValue(clients), call.Send, progress, cancellationToken).ConfigureAwait(false);
        progress.Finish();
        var summary = new LoadSummary(results, elapsed);
        if (summary.FirstError is { } first)
        {
            await error.WriteLineAsync($"note: {shape.Requests - summary.Answered} of {shape.Requests} requests failed, the first with: {first}").ConfigureAwait(false);
        }

        if (parsed.GetValue(json))
        {
            await parsed.InvocationConfiguration.Output.WriteLineAsync(summary.ToJson().ToJsonString()).ConfigureAwait(false);
        }
        else
        {
            Write(TextTerminal.On(parsed.InvocationConfiguration.Output), summary);
        }

        return summary.Answered > 0 ? 0 : CommandLine.Failure;
    }

    private static void Write(IAnsiConsole console, LoadSummary summary)
    {
        var table = new Table().Border(TableBorder.Markdown).AddColumn("milliseconds");
        foreach (var heading in new[] { "p50", "p90", "p99", "mean" })
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (var (what, times) in new[] { ("time to first token", summary.FirstToken), ("between tokens", summary.BetweenTokens), ("whole request", summary.Duration) })
        {
            table.AddRow(what, Invariant($"{1e3 * times.P50:F1}"), Invariant($"{1e3 * times.P90:F1}"), Invariant($"{1e3 * times.P99:F1}"), Invariant($"{1e3 * times.Mean:F1}"));
        }

        var seconds = summary.Elapsed.TotalSeconds;
        console.WriteLine(Invariant(
            $"{summary.Answered} answers in {seconds:F2} s: {summary.GeneratedTokens / seconds:F1} generated t/s, {summary.PromptTokens / seconds:F1} prompt t/s ({summary.CachedTokens} of {summary.PromptTokens} cached)"));
        console.Write(table);
        foreach (var (status, count) in summary.Errors)
        {
            console.WriteLine(Invariant($"{count} failed with status {status}"));
        }
    }

    private static async Task<int> MeasurePrefixes(ParseResult parsed, LoadShape shape, CompletionCall call, CancellationToken cancellationToken)
    {
        var results = new List<PrefixResult>();
        await call.Send(new LoadRequest(null, [.. Enumerable.Repeat(1, 512)], 8), cancellationToken).ConfigureAwait(false);
        foreach (var scenario in PrefixScenario.All(shape.Vocabulary, shape.Seed))
        {
            try
            {
                results.Add(await PrefixResult.Measure(scenario, shape.Vocabulary, call.Send, cancellationToken).ConfigureAwait(false));
            }
            catch (HttpRequestException exception)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"note: left out: {exception.Message}").ConfigureAwait(false);
            }
        }

        if (results.Count == 0)
        {
            throw new InvalidInputException($"No prompt was answered. Does the server take token ids below {shape.Vocabulary} (--vocabulary)?");
        }

        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
        {
            await output.WriteLineAsync(new JsonArray([.. results.Select(ToJson)]).ToJsonString()).ConfigureAwait(false);
            return 0;
        }

        var table = new Table().Border(TableBorder.Markdown).AddColumns("prompt", "tokens", "shared", "cached", "cold TTFT ms", "warm TTFT ms", "warm / cold");
        foreach (var result in results)
        {
            table.AddRow(
                result.Scenario.Name, Invariant($"{result.Scenario.Second.Length}"), Invariant($"{result.Scenario.Shared}"), Invariant($"{result.CachedTokens}"),
                Invariant($"{1e3 * result.Cold:F1}"), Invariant($"{1e3 * result.Warm:F1}"), Invariant($"{100 * result.Warm / result.Cold:F1} %"));
        }

        TextTerminal.On(output).Write(table);
        return 0;
    }

    private static JsonNode ToJson(PrefixResult result) => new JsonObject
    {
        ["prompt"] = result.Scenario.Name,
        ["tokens"] = result.Scenario.Second.Length,
        ["shared_tokens"] = result.Scenario.Shared,
        ["cached_tokens"] = result.CachedTokens,
        ["cold_ttft_ms"] = 1e3 * result.Cold,
        ["warm_ttft_ms"] = 1e3 * result.Warm,
    };
}
