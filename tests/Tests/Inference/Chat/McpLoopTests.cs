using Microsoft.Extensions.AI;
using MiniMaxSharp.Inference;
using ModelContextProtocol.Client;

namespace MiniMaxSharp.Tests.Inference.Chat;

/// <summary>The whole loop with the real engine: the model calls a tool of an MCP server, reads the result, and answers.</summary>
public sealed class McpLoopTests : IDisposable
{
    // A server in a few lines of shell with one tool.
    private const string Server = """
        while read -r line; do
          id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9"a-f-]*\).*/\1/p')
          case "$line" in
            *'"method":"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"greeter","version":"1"}}' ;;
            *'"method":"tools/list"'*) result='{"tools":[{"name":"greet","description":"Greets.","inputSchema":{"type":"object","properties":{"who":{"enum":["Ada","Alan"]}},"required":["who"]}}]}' ;;
            *'"method":"tools/call"'*) who=$(printf '%s' "$line" | sed -n 's/.*"who":"\([^"]*\)".*/\1/p'); result='{"content":[{"type":"text","text":"Welcome aboard, '"$who"'"}]}' ;;
            *'"id":'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}\n' "$id"; continue ;;
            *) continue ;;
          esac
          printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
        done
        """;

    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_call_reaches_the_server_and_its_result_the_model()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "The test's server is a shell script.");
        var token = TestContext.Current.CancellationToken;
        var script = folder["server.sh"];
        await File.WriteAllTextAsync(script, Server, token);
        await using var mcp = await McpClient.CreateAsync(new StdioClientTransport(new() { Command = "/bin/sh", Arguments = [script] }), cancellationToken: token);
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        var prompts = new List<string>();
        using var client = new MiniMaxChatClient("tiny", engine.Tokenizer, request =>
        {
            prompts.Add(engine.Tokenizer.Decode(request.Prompt.Span));
            return engine.Submit(request);
        }).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync("Greet someone.", new ChatOptions
        {
            Tools = [.. await mcp.ListToolsAsync(cancellationToken: token)],
            ToolMode = ChatToolMode.RequireAny,
            AllowMultipleToolCalls = false,
            MaxOutputTokens = 200,
            Seed = 1,
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None },
        }, token);
        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Equal("greet", call.Name);
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], response.Messages.Select(message => message.Role));
        Assert.Equal(2, prompts.Count);
        Assert.DoesNotContain("Welcome aboard", prompts[0], StringComparison.Ordinal);
        Assert.Contains($"Welcome aboard, {call.Arguments!["who"]}", prompts[1], StringComparison.Ordinal);
    }
}
