using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace MiniMaxSharp.Cli;

/// <summary>The tools of one or more MCP servers, which live as long as this.</summary>
internal sealed class McpTools : IAsyncDisposable
{
    private readonly List<McpClient> servers = [];
    private readonly Dictionary<string, McpClientTool> tools = [];

    private McpTools()
    {
    }

    /// <summary>The tools as the chat format declares them.</summary>
    public IReadOnlyList<JsonElement> Declarations { get; private set; } = [];

    /// <summary>Starts or reaches the servers and lists their tools.</summary>
    /// <param name="servers">A command line with its arguments, or an http(s) address, each.</param>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <exception cref="InvalidInputException">A server cannot be started or reached, or two offer a tool of the same name.</exception>
    public static async Task<McpTools> Connect(IEnumerable<string> servers, CancellationToken cancellationToken)
    {
        var connected = new McpTools();
        try
        {
            foreach (var server in servers)
            {
                await connected.Add(server, cancellationToken).ConfigureAwait(false);
            }

            connected.Declarations = [.. connected.tools.Values.Select(Declare)];
            return connected;
        }
        catch
        {
            await connected.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>What an answer is held to that must be calls of these tools.</summary>
    /// <exception cref="InvalidInputException">A tool has a schema that cannot be kept.</exception>
    public Grammar RequiredCall() => Grammar.ToolCallsRequired([.. tools.Values.Select(tool => new GrammarTool(tool.Name, tool.JsonSchema))]);

    /// <summary>Runs one call. A failure is text too: the model is told what went wrong.</summary>
    public async Task<string> Call(ToolCall call, CancellationToken cancellationToken)
    {
        if (!tools.TryGetValue(call.Name ?? "", out var tool))
        {
            return $"Error: there is no tool {call.Name}. There are: {string.Join(", ", tools.Keys)}.";
        }

        try
        {
            using var document = JsonDocument.Parse(call.ArgumentsJson ?? "{}");
            var arguments = document.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => (object?)field.Value.Clone());
            var result = await tool.CallAsync(arguments, cancellationToken: cancellationToken).ConfigureAwait(false);
            var text = string.Join('\n', result.Content.Select(part => part is TextContentBlock block ? block.Text : $"[{part.Type} content is left out]"));
            return result.IsError == true ? "Error: " + text : text;
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return "Error: " + failure.Message;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task Add(string server, CancellationToken cancellationToken)
    {
        try
        {
            var client = await McpClient.CreateAsync(Transport(server), cancellationToken: cancellationToken).ConfigureAwait(false);
            servers.Add(client);
            foreach (var tool in await client.ListToolsAsync(cancellationToken: cancellationToken).ConfigureAwait(false))
            {
                if (!tools.TryAdd(tool.Name, tool))
                {
                    throw new InvalidInputException($"--mcp {server}: its tool {tool.Name} has the name of another server's. Leave one of the servers out.");
                }
            }
        }
        catch (Exception failure) when (failure is not (InvalidInputException or OperationCanceledException))
        {
            throw new InvalidInputException($"--mcp {server}: the server cannot be used: {failure.Message} Give a command line that speaks MCP on its standard streams, or an http address.", failure);
        }
    }

    private static IClientTransport Transport(string server)
    {
        if (Uri.TryCreate(server, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
        {
            return new HttpClientTransport(new HttpClientTransportOptions { Endpoint = address });
        }

        var words = CommandLineParser.SplitCommandLine(server).ToArray();
        return words.Length == 0
            ? throw new InvalidInputException("--mcp is empty. Give a command line or an http address.")
            : new StdioClientTransport(new StdioClientTransportOptions { Command = words[0], Arguments = words[1..], StandardErrorLines = static _ => { } });
    }

    private static JsonElement Declare(McpClientTool tool)
    {
        var function = new JsonObject { ["name"] = tool.Name, ["description"] = tool.Description, ["parameters"] = JsonNode.Parse(tool.JsonSchema.GetRawText()) };
        using var document = JsonDocument.Parse(new JsonObject { ["type"] = "function", ["function"] = function }.ToJsonString());
        return document.RootElement.Clone();
    }
}
