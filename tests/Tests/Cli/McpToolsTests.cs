using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Cli;

public sealed class McpToolsTests : IDisposable
{
    // A server in a few lines of shell: it greets, and fails on demand.
    private const string Server = """
        while read -r line; do
          id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9"a-f-]*\).*/\1/p')
          case "$line" in
            *'"method":"initialize"'*) result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"greeter","version":"1"}}' ;;
            *'"method":"tools/list"'*) result='{"tools":[{"name":"greet","description":"Greets.","inputSchema":SCHEMA},{"name":"fail","inputSchema":{"type":"object","additionalProperties":false}}]}' ;;
            *'"method":"tools/call"'*'"name":"fail"'*|*'"name":"fail"'*'"method":"tools/call"'*) result='{"content":[{"type":"text","text":"broken"}],"isError":true}' ;;
            *'"method":"tools/call"'*) who=$(printf '%s' "$line" | sed -n 's/.*"who":"\([^"]*\)".*/\1/p'); result='{"content":[{"type":"text","text":"Hello, '"$who"'"}]}' ;;
            *'"id":'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}\n' "$id"; continue ;;
            *) continue ;;
          esac
          printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
        done
        """;

    private const string AnyText = """{"type":"object","properties":{"who":{"type":"string"}}}""";

    private static readonly ToolCall greet = new("call_0", "greet", """{"who":"Ada"}""");
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-mcp-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Tools_are_listed_and_called()
    {
        await using var tools = await Connect();
        Assert.Equal(["greet", "fail"], tools.Declarations.Select(tool => tool.GetProperty("function").GetProperty("name").GetString()));
        Assert.Equal("Hello, Ada", await tools.Call(greet, Token));
        Assert.Equal("Error: broken", await tools.Call(new ToolCall("call_1", "fail", "{}"), Token));
        Assert.Contains("There are: greet, fail", await tools.Call(new ToolCall("call_2", "other", "{}"), Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y\n", false, "Hello, Ada")]
    [InlineData("n\n", false, "Error: the user did not allow this call.")]
    [InlineData("", false, "Error: the user did not allow this call.")]
    [InlineData("", true, "Hello, Ada")]
    public async Task A_call_runs_with_consent_only(string answer, bool allowed, string expected)
    {
        await using var tools = await Connect();
        using var output = new StringWriter();
        var round = new ToolRound(tools, allowed ? ["greet"] : [], new StringReader(answer), output, isTerminal: true);
        var result = Assert.Single(await round.Run([greet], Token));
        Assert.Equal((expected, "greet", "call_0"), (result.Content.ToString(), result.Name, result.ToolCallId));
        Assert.Contains("[tool result] " + expected, output.ToString(), StringComparison.Ordinal);
        Assert.Equal(!allowed, output.ToString().Contains("Run greet", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Always_asks_once_for_each_tool()
    {
        await using var tools = await Connect();
        using var output = new StringWriter();
        var round = new ToolRound(tools, [], new StringReader("a\n"), output, isTerminal: true);
        var results = await round.Run([greet, greet], Token);
        Assert.All(results, result => Assert.Equal("Hello, Ada", result.Content.ToString()));
        Assert.Equal(2, output.ToString().Split("Run greet").Length);
    }

    [Fact]
    public async Task Without_a_terminal_nothing_runs_that_was_not_allowed()
    {
        await using var tools = await Connect();
        using var output = new StringWriter();
        var result = await new ToolRound(tools, [], new StringReader("y\n"), output, isTerminal: false).Run([greet], Token);
        Assert.StartsWith("Error", result[0].Content.ToString(), StringComparison.Ordinal);
        Assert.Contains("--mcp-allow greet", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_with_tools_still_answers_without_a_call()
    {
        await using var tools = await Connect();
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        using StringWriter output = new(), error = new();
        var round = new ToolRound(tools, ["*"], TextReader.Null, output, isTerminal: false);
        using var session = new ChatSession(engine, new SamplingParams { MaxTokens = 4, Seed = 1 }, new StringReader("hello\n"), output, error, isTerminal: false, round);
        session.Run();
        Assert.Equal(["user", "assistant"], session.Messages.Select(message => message.Role));
    }

    [Fact]
    public async Task A_required_call_runs_and_its_result_is_answered()
    {
        await using var tools = await Connect("""{"type":"object","properties":{"who":{"enum":["Ada","Alan"]}},"required":["who"]}""");
        using var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        using StringWriter output = new(), error = new();
        var round = new ToolRound(tools, ["*"], TextReader.Null, output, isTerminal: false) { FirstAnswer = tools.RequiredCall() };
        using var session = new ChatSession(engine, new SamplingParams { MaxTokens = 400, Seed = 1 }, new StringReader("hello\n"), output, error, isTerminal: false, round);
        session.SetThinking(new Thinking(false, null));
        session.Run();
        Assert.Equal(["user", "assistant"], [session.Messages[0].Role, session.Messages[^1].Role]);
        var calls = session.Messages[1].ToolCalls!;
        Assert.NotEmpty(calls);
        Assert.Equal(calls.Select(call => call.Id), session.Messages.Where(message => message.Role == "tool").Select(message => message.ToolCallId));
        Assert.All(calls.Zip(session.Messages.Skip(2)), pair => Assert.Equal(
            pair.First.Name == "fail" ? "Error: broken" : pair.First.ArgumentsJson!.Contains("Ada", StringComparison.Ordinal) ? "Hello, Ada" : "Hello, Alan",
            pair.Second.Content.ToString()));
        Assert.Null(session.Messages[^1].ToolCalls);
    }

    [Fact]
    public async Task A_server_that_cannot_start_is_named()
    {
        var failure = await Assert.ThrowsAsync<InvalidInputException>(() => McpTools.Connect(["/no/such/server --flag"], Token));
        Assert.Contains("--mcp /no/such/server --flag", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_tools_of_one_name_are_refused()
    {
        var server = Start();
        var failure = await Assert.ThrowsAsync<InvalidInputException>(() => McpTools.Connect([server, server], Token));
        Assert.Contains("greet", failure.Message, StringComparison.Ordinal);
    }

    private Task<McpTools> Connect(string schema = AnyText) => McpTools.Connect([Start(schema)], Token);

    private string Start(string schema = AnyText)
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "The test's server is a shell script.");
        var script = Path.Combine(folder, "a server.sh");
        File.WriteAllText(script, Server.Replace("SCHEMA", schema, StringComparison.Ordinal));
        return $"/bin/sh \"{script}\"";
    }
}
