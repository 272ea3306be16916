using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>The official JavaScript clients, npm <c>openai</c> and <c>@anthropic-ai/sdk</c>, against the server. Each script does its calls and prints what the client saw.</summary>
public sealed class JavaScriptClientTests
{
    private const string Call = "<tool_calls>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_calls>";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Openai_chats_streams_calls_tools_and_reads_errors()
    {
        var seen = await Run("openai.mjs");
        Assert.Equal("scripted", (string?)seen["model"]);
        Assert.Equal("Hello there.", (string?)seen["chat"]!["content"]);
        Assert.Equal("\nHm.\n", (string?)seen["chat"]!["reasoning_content"]);
        Assert.Equal("stop", (string?)seen["chat"]!["finish"]);
        Assert.True((int)seen["chat"]!["usage"]!["completion_tokens_details"]!["reasoning_tokens"]! > 0);

        var stream = seen["stream"]!;
        Assert.Equal(("assistant", "Hello there.", "\nHm.\n", "stop"), ((string?)stream["firstRole"], (string?)stream["content"], (string?)stream["reasoning"], (string?)stream["finish"]));
        Assert.Equal((int)seen["chat"]!["usage"]!["total_tokens"]!, (int)stream["usage"]!["total_tokens"]!);

        var call = Assert.Single(seen["tools"]!["calls"]!.AsArray())!["function"]!;
        Assert.Equal(("get_weather", "Rome"), ((string?)call["name"], City(call["arguments"]!)));
        Assert.Equal("tool_calls", (string?)seen["tools"]!["finish"]);
        Assert.Equal(("get_weather", "Rome", "tool_calls"), ((string?)seen["toolStream"]!["name"], City(seen["toolStream"]!["arguments"]!), (string?)seen["toolStream"]!["finish"]));

        // A server without grammars must say so; one with them gives an answer of the asked form.
        if (seen["structured"] is JsonObject refusal)
        {
            Assert.Equal(400, (int)refusal["status"]!);
            Assert.Equal("response_format.type", (string?)refusal["param"]);
        }
        else
        {
            Assert.Equal(42, (int)JsonNode.Parse((string)seen["structured"]!)!["answer"]!);
        }

        Assert.Equal(4, (int)seen["completion"]!["usage"]!["completion_tokens"]!);
        Assert.Equal(("Hello there.", "completed"), ((string?)seen["responses"]!["text"], (string?)seen["responses"]!["status"]));
        AssertError(seen, "badTemperature", 400);
        AssertError(seen, "noMessages", 400);
        AssertError(seen, "badKey", 401);
        Assert.Equal("messages", (string?)seen["errors"]!["noMessages"]!["param"]);
    }

    [Fact]
    public async Task Anthropic_thinks_streams_calls_tools_and_reads_errors()
    {
        var seen = await Run("anthropic.mjs");
        Assert.Equal(["thinking", "text"], Types(seen["chat"]!["content"]!));
        Assert.Equal("\nHm.\n", (string?)seen["chat"]!["content"]![0]!["thinking"]);
        Assert.Equal("Hello there.", (string?)seen["chat"]!["content"]![1]!["text"]);
        Assert.Equal("end_turn", (string?)seen["chat"]!["stop"]);

        var events = seen["stream"]!["events"]!.AsArray().Select(one => (string?)one).ToArray();
        Assert.Equal(("message_start", "message_stop"), (events[0], events[^1]));
        Assert.Equal("Hello there.", (string?)seen["stream"]!["text"]);
        Assert.Equal("end_turn", (string?)seen["stream"]!["final"]!["stop"]);
        Assert.True((int)seen["stream"]!["final"]!["usage"]!["output_tokens"]! > 0);

        Assert.Equal("tool_use", (string?)seen["tools"]!["stop"]);
        foreach (var blocks in new[] { seen["tools"]!["content"]!, seen["toolStream"]! })
        {
            var use = blocks.AsArray().Single(block => (string?)block!["type"] == "tool_use")!;
            Assert.Equal(("get_weather", "Rome"), ((string?)use["name"], (string?)use["input"]!["city"]));
        }

        Assert.Contains("text", Types(seen["answered"]!));
        Assert.True((int)seen["count"]! > 0);
        AssertError(seen, "noMaxTokens", 400);
        AssertError(seen, "badRole", 400);
        AssertError(seen, "badKey", 401);
    }

    /// <summary>Runs one script against a server that wants a key; answers follow the word that the script asked last.</summary>
    private static async Task<JsonNode> Run(string script)
    {
        var clients = await Installed();
        var keys = Path.Combine(Path.GetTempPath(), $"minimaxsharp-keys-{Guid.NewGuid():N}.json");
        try
        {
            var secret = ApiKeyFile.Add(keys, "script");
            await using var server = await TestServer.Scripted(new ScriptedAnswers { Reply = Answer }, options => options.ApiKeyFile = keys);
            var (status, output, error) = await Execute(clients, "node", script, server.Address.ToString().TrimEnd('/'), secret);
            Assert.True(status == 0, $"node {script} ended with {status}: {error}");
            return JsonNode.Parse(output)!;
        }
        finally
        {
            File.Delete(keys);
        }
    }

    private static string Answer(string prompt)
    {
        var question = prompt[(prompt.LastIndexOf("user name=", StringComparison.Ordinal) + 1)..];
        return question.Contains("\ntool", StringComparison.Ordinal) && !question.Contains("tool result", StringComparison.Ordinal) ? Call
            : question.Contains("structured", StringComparison.Ordinal) ? "{\"answer\": 42}"
            : "<think>\nHm.\n</think>\n\nHello there.";
    }

    private static string? City(JsonNode arguments) => (string?)JsonNode.Parse((string)arguments!)!["city"];

    private static string?[] Types(JsonNode blocks) => [.. blocks.AsArray().Select(block => (string?)block!["type"])];

    private static void AssertError(JsonNode seen, string name, int status)
    {
        var error = Assert.IsType<JsonObject>(seen["errors"]![name]);
        Assert.Equal(status, (int?)error["status"]);
        Assert.NotEqual("", (string?)error["message"]);
    }

    /// <summary>A folder with the scripts and the packages of the lock file; kept for the next run with the same lock file.</summary>
    private static async Task<string> Installed()
    {
        Assert.SkipWhen(!OnPath("node") || !OnPath("npm"), "node and npm are not on the PATH; install them to run the JavaScript clients.");
        var source = Path.Combine(AppContext.BaseDirectory, "Clients");
        var hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(source, "package-lock.json"), Cancellation)).AsSpan(0, 8));
        var folder = Path.Combine(Path.GetTempPath(), $"minimaxsharp-clients-{hash}");
        if (!Directory.Exists(folder))
        {
            var making = Directory.CreateDirectory($"{folder}-{Guid.NewGuid():N}").FullName;
            CopyFiles(source, making);
            var (status, _, error) = await Execute(making, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts");
            var unreachable = new[] { "ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENETUNREACH" }.Any(code => error.Contains(code, StringComparison.Ordinal));
            Assert.SkipWhen(status != 0 && unreachable, "The npm registry cannot be reached, so the JavaScript clients cannot be installed.");
            Assert.True(status == 0, $"npm ci ended with {status}: {error}");
            try
            {
                Directory.Move(making, folder);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                Directory.Delete(making, recursive: true); // Another test was first.
            }
        }

        CopyFiles(source, folder);
        return folder;
    }

    private static void CopyFiles(string source, string target)
    {
        foreach (var file in Directory.GetFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)) || File.Exists(Path.Combine(folder, program + ".exe")));

    private static async Task<(int Status, string Output, string Error)> Execute(string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
