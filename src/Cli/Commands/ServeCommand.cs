using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax serve</c>: the HTTP server.</summary>
internal static class ServeCommand
{
    /// <summary>Name of the command.</summary>
    public const string Name = "serve";

    private const string Help = """
        Serves a model to OpenAI and Anthropic clients. Listens on 127.0.0.1:8080 unless told otherwise; another address needs
        API keys (minimax keys add). Ctrl-C stops admitting requests, waits for those that run, and ends.

        Examples:
          minimax serve
          minimax serve models/m1.gguf --cache fast --session-folder sessions --max-running 8 --kv-type q8
          minimax keys add alice --file keys.json
          minimax serve /models/m1 --host 0.0.0.0 --api-key-file keys.json --ledger usage.db
          curl http://127.0.0.1:8080/v1/chat/completions -d '{"messages":[{"role":"user","content":"Hello"}]}'
        """;

    private static readonly Argument<string?> model = DefaultModel.CreateArgument();
    private static readonly Option<string> host = new("--host") { Description = "Address to listen on.", DefaultValueFactory = _ => "127.0.0.1" };
    private static readonly Option<int> port = new("--port", "-p") { Description = "Port to listen on; 0 takes a free one.", DefaultValueFactory = _ => 8080 };
    private static readonly Option<string?> name = new("--name") { Description = "What clients call the model; default the folder's name." };
    private static readonly Option<string?> keyFile = new("--api-key-file") { Description = "Hashed API keys, made with minimax keys.", HelpName = "FILE" };
    private static readonly Option<bool> insecure = new("--insecure") { Description = "Serve other machines without API keys." };
    private static readonly Option<string?> ledger = new("--ledger") { Description = "SQLite file of the usage; default in memory.", HelpName = "FILE" };
    private static readonly Option<int?> requestsPerMinute = new("--requests-per-minute") { Description = "Limit of each key.", HelpName = "N" };
    private static readonly Option<int?> tokensPerMinute = new("--tokens-per-minute") { Description = "Limit of each key, prompt and answer.", HelpName = "N" };
    private static readonly Option<int> maxRequest = new("--max-request-mib") { Description = "Largest request in MiB.", DefaultValueFactory = _ => 64 };
    private static readonly Option<double?> timeout = new("--timeout", "--request-timeout") { Description = "Seconds that one request may take, waiting included; then it ends with 504.", HelpName = "SECONDS" };
    private static readonly Option<double> drain = new("--drain") { Description = "Seconds that running requests get when the server stops.", DefaultValueFactory = _ => 30 };
    private static readonly Option<string[]> cors = new("--cors-origin") { Description = "Web origin that may call the server; can be given several times.", HelpName = "URL" };
    private static readonly Option<string[]> prices = new("--price-tier")
    {
        Description = "UP_TO:INPUT:OUTPUT in prompt tokens and RMB per million; can be given several times. Default: MiniMax's published prices.",
        HelpName = "TIER",
    };

    private static readonly Option<int?> maxTokens = new("--max-tokens", "-n") { Description = "Longest answer of a request that names no length.", HelpName = "N" };
    private static readonly Option<bool> keepReasoning = new("--keep-reasoning") { Description = "Show the model its earlier thinking when a client sends it back." };
    private static readonly Option<bool> logPrompts = new("--log-prompts") { Description = "Write prompts to the log." };
    private static readonly Option<bool> logJson = new("--log-json") { Description = "Write the log as JSON, one line an entry." };
    private static readonly Option<string?> otlp = new("--otlp") { Description = "Send traces and metrics to this OpenTelemetry collector (OTLP over HTTP).", HelpName = "URL" };
    private static readonly EngineFlags engineFlags = new();

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command(Name, Help)
        {
            model, host, port, name, keyFile, insecure, ledger, requestsPerMinute, tokensPerMinute, maxRequest, timeout, drain, cors, prices, maxTokens,
            keepReasoning, logPrompts, logJson, otlp,
        };
        foreach (var option in engineFlags.All)
        {
            command.Add(option);
        }

        command.SetAction(Run);
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        var address = Address(parsed);
        var collector = OtlpExport.ReadEndpoint(parsed.GetValue(otlp));
        using var engine = engineFlags.Open(parsed, DefaultModel.Resolve(parsed.GetValue(model)));
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address));
        Log(builder.Logging, parsed.GetValue(logJson));
        builder.Services.AddMiniMax(_ => ServedModel.Of(engine, parsed.GetValue(name)), options => Configure(options, parsed));
        await using var app = builder.Build();
        app.MapMiniMax();
        using var export = collector is null ? null : new OtlpExport(collector);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new InvalidInputException($"The server cannot listen on {address}: {exception.Message} Choose another --port or --host.", exception);
        }

        var listening = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var served = app.Services.GetRequiredService<ServedModel>();
        await parsed.InvocationConfiguration.Error.WriteLineAsync($"{served.Name} is served at {listening}; Ctrl-C stops.").ConfigureAwait(false);
        await app.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
        return 0;
    }

    private static void Configure(ServingOptions options, ParseResult parsed)
    {
        options.ApiKeyFile = parsed.GetValue(keyFile);
        options.LedgerFile = parsed.GetValue(ledger);
        options.RequestsPerMinute = parsed.GetValue(requestsPerMinute);
        options.TokensPerMinute = parsed.GetValue(tokensPerMinute);
        options.MaxRequestBytes = (long)parsed.GetValue(maxRequest) << 20;
        options.RequestTimeout = parsed.GetValue(timeout) is { } seconds ? Seconds(seconds, "--timeout") : null;
        options.DrainDeadline = Seconds(parsed.GetValue(drain), "--drain");
        options.CorsOrigins = parsed.GetValue(cors) ?? [];
        options.Prices = parsed.GetValue(prices) is { Length: > 0 } tiers ? [.. tiers.Select(PriceTier.Parse)] : options.Prices;
        options.DefaultMaxTokens = parsed.GetValue(maxTokens);
        options.ReasoningHistory = parsed.GetValue(keepReasoning) ? ReasoningHistory.Keep : ReasoningHistory.Strip;
        options.LogPrompts = parsed.GetValue(logPrompts);
    }

    private static void Log(ILoggingBuilder logging, bool json)
    {
        logging.ClearProviders().SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning);
        _ = json
            ? logging.AddJsonConsole()
            : logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss ";
            });
        logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    /// <summary>The address to listen on. Only this machine's own is open without keys.</summary>
    private static IPEndPoint Address(ParseResult parsed)
    {
        var text = parsed.GetRequiredValue(host);
        var ip = text == "localhost" ? IPAddress.Loopback
            : IPAddress.TryParse(text, out var given) ? given
            : throw new InvalidInputException($"--host {text} is no IP address; give one such as 127.0.0.1 or 0.0.0.0.");
        if (!IPAddress.IsLoopback(ip) && parsed.GetValue(keyFile) is null && !parsed.GetValue(insecure))
        {
            throw new InvalidInputException(
                $"--host {text} lets other machines use the model without a key. Give --api-key-file (see minimax keys add), or --insecure if that is what you want.");
        }

        return parsed.GetValue(port) is >= 0 and <= 65535 and var number
            ? new IPEndPoint(ip, number)
            : throw new InvalidInputException($"--port {parsed.GetValue(port)} is no port; give 0 to 65535.");
    }

    private static TimeSpan Seconds(double seconds, string option) => seconds is >= 0 and <= 86_400_000
        ? TimeSpan.FromSeconds(seconds)
        : throw new InvalidInputException(FormattableString.Invariant($"{option} is {seconds}; it must be seconds, 0 or more."));
}
