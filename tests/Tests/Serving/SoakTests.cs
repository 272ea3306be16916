using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>
/// A server process under good, bad and hostile requests, many at once, which is killed in the middle. MINIMAX_SOAK asks for more requests than
/// the few of every day; from 1,000 on the memory of the process has to stay flat.
/// </summary>
public sealed class SoakTests : IDisposable
{
    private const int Clients = 16;
    private const int LongSoak = 1000;
    private readonly ScratchFolder folder = new();
    private readonly string key;
    private readonly ConcurrentDictionary<string, int> completionTokens = new(); // By id, of answers that came whole.
    private readonly ConcurrentDictionary<string, int> statuses = new();
    private readonly ConcurrentBag<int> cutOff = []; // By the kill.

    public SoakTests() => key = ApiKeyFile.Add(folder["keys.json"], "alice");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_server_survives_hostile_clients_and_a_kill_without_losing_anything()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("MINIMAX_SOAK"), out var asked) ? asked : 120;
        int[] parts = [count / 4, count * 3 / 4, count * 17 / 20];
        using (var server = await Start())
        {
            Assert.Equal(0, await CachedTokens(server));
            await Send(server, Enumerable.Range(0, parts[0]));
            await AssertIdle(server);
            var before = await ResidentBytes(server);
            await Send(server, Enumerable.Range(parts[0], parts[1] - parts[0]));
            await Garbage(server);
            await AssertIdle(server);
            var after = await ResidentBytes(server);
            TestContext.Current.TestOutputHelper?.WriteLine($"resident memory: {before / 1e6:F1} MB after {parts[0]} requests, {after / 1e6:F1} MB after {parts[1]}");
            Assert.True(count < LongSoak || after < 1.05 * before, $"{before / 1e6:F1} → {after / 1e6:F1} MB");
            while (Directory.GetFiles(folder["sessions"], "*", SearchOption.AllDirectories).Length == 0)
            {
                await Task.Delay(50, Cancellation); // Sessions are written behind.
            }

            var cut = Send(server, Enumerable.Range(parts[1], parts[2] - parts[1]), isKilled: true);
            await Task.Delay(100, Cancellation);
            await server.Kill();
            await cut;
        }

        AssertLedgerIsWhole();
        using (var server = await Start())
        {
            Assert.Equal(512, await CachedTokens(server));
            Assert.NotEmpty(cutOff);
            await Send(server, [.. cutOff.Order(), .. Enumerable.Range(parts[2], count - parts[2])]);
            await AssertIdle(server);
            await server.Stop();
        }

        AssertLedgerIsWhole();
        Assert.True(statuses.Values.Sum() == count, $"{statuses.Values.Sum()} of {count} requests have a status");
        TestContext.Current.TestOutputHelper?.WriteLine($"{cutOff.Count} requests were cut off by the kill and sent again\n" + string.Join('\n', statuses.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key}: {pair.Value}")));
    }

    private Task<ServeProcess> Start() => ServeProcess.Start(
        "--api-key-file", folder["keys.json"], "--ledger", folder["usage.db"], "--session-folder", folder["sessions"], "--max-running", "8", "--max-waiting", "8",
        "--max-request-mib", "1", "--cache-bytes", "16MiB", "--session-bytes", "64MiB", "--request-timeout", "60");

    private async Task Send(ServeProcess server, IEnumerable<int> numbers, bool isKilled = false)
    {
        using var client = new HttpClient(new SocketsHttpHandler { MaxResponseDrainSize = 0 }) { BaseAddress = server.Client.BaseAddress, Timeout = TimeSpan.FromMinutes(2) };
        await Parallel.ForEachAsync(numbers, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = Cancellation }, async (number, cancellationToken) =>
        {
            try
            {
                await Send(client, SoakRequest.Create(number), number, cancellationToken);
            }
            catch (Exception exception) when (isKilled && exception is HttpRequestException or IOException)
            {
                cutOff.Add(number);
            }
        });
    }

    private async Task Send(HttpClient client, SoakRequest request, int number, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, request.Path);
        message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", request.HasKey ? key : "nobody");
        if (request.Body is not null)
        {
            message.Content = new ByteArrayContent(request.Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            message.Headers.ExpectContinue = request.Allowed is [413]; // Else the server may close the connection while the body is still being sent.
        }

        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        var status = (int)response.StatusCode;
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        if (request.Reading == SoakReading.HangUp && status == 200)
        {
            await stream.ReadAtLeastAsync(new byte[64], 1, throwOnEndOfStream: false, cancellationToken);
            Count(request.Kind, status);
            return;
        }

        var text = await Read(stream, request.Reading, cancellationToken);
        Assert.True(request.Allowed.Contains(status), $"request {number}, {request.Kind}: {status} {text[..Math.Min(400, text.Length)]}");
        Count(request.Kind, status);
        if (request.Streams && status == 200)
        {
            Assert.True(text.TrimEnd().Split('\n')[^1].StartsWith("data: ", StringComparison.Ordinal) && text.EndsWith("\n\n", StringComparison.Ordinal), $"request {number}: {text}");
            Assert.Contains(request.Path switch { "/v1/messages" => "message_stop", "/v1/responses" => "response.", _ => "[DONE]" }, text, StringComparison.Ordinal);
        }
        else if (request.Path.StartsWith("/v1/", StringComparison.Ordinal) && status != 405 && text.Length > 0)
        {
            var usage = JsonNode.Parse(text)!["usage"] as JsonObject;
            if (status == 200 && usage?["completion_tokens"] is { } tokens)
            {
                completionTokens[response.Headers.GetValues("x-request-id").Single()] = (int)tokens;
            }
        }
    }

    private static async Task<string> Read(Stream stream, SoakReading reading, CancellationToken cancellationToken)
    {
        if (reading == SoakReading.Slowly)
        {
            using var whole = new MemoryStream();
            var few = new byte[512];
            while (await stream.ReadAsync(few, cancellationToken) is > 0 and var read)
            {
                whole.Write(few, 0, read);
                await Task.Delay(5, cancellationToken);
            }

            return System.Text.Encoding.UTF8.GetString(whole.ToArray());
        }

        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    /// <summary>Bytes that are no HTTP, half requests, and connections that say nothing.</summary>
    private static async Task Garbage(ServeProcess server)
    {
        string[] texts = ["\0\u0001\u0002\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"prompt\":", "POST /tokenize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ""];
        foreach (var text in texts)
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync(IPAddress.Loopback, server.Client.BaseAddress!.Port, Cancellation);
            await connection.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(text), Cancellation);
        }
    }

    /// <summary>Every admitted request was answered or cancelled: nothing runs and nothing waits.</summary>
    private static async Task AssertIdle(ServeProcess server)
    {
        string[] idle = ["minimax_requests_running 0", "minimax_engine_answers{state=\"running\"} 0", "minimax_engine_answers{state=\"waiting\"} 0"];
        for (var attempt = 0; ; attempt++)
        {
            var metrics = await server.Client.GetStringAsync("/metrics", Cancellation);
            if (idle.All(line => metrics.Contains(line + "\n", StringComparison.Ordinal)))
            {
                return;
            }

            Assert.True(attempt < 200, metrics);
            await Task.Delay(50, Cancellation);
        }
    }

    /// <summary>The least of some moments, without what the garbage collector has not given back yet.</summary>
    private static async Task<long> ResidentBytes(ServeProcess server)
    {
        var least = long.MaxValue;
        for (var i = 0; i < 20; i++)
        {
            least = Math.Min(least, server.ResidentBytes);
            await Task.Delay(20, Cancellation);
        }

        return least;
    }

    /// <summary>Asks a prompt of 600 tokens, of which two blocks can be known.</summary>
    private async Task<int> CachedTokens(ServeProcess server)
    {
        server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var answer = JsonNode.Parse(await server.Post(
            "/v1/completions", $$"""{"prompt":[{{string.Join(',', Enumerable.Range(0, 600).Select(static i => 10 + (i * 7 % 100)))}}],"max_tokens":2,"ignore_eos":true}"""));
        return (int)answer!["usage"]!["prompt_tokens_details"]!["cached_tokens"]!;
    }

    private void AssertLedgerIsWhole()
    {
        using var ledger = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = folder["usage.db"], Pooling = false }.ToString());
        ledger.Open();
        using var check = ledger.CreateCommand();
        check.CommandText = "PRAGMA integrity_check";
        Assert.Equal("ok", (string)check.ExecuteScalar()!);
        using var rows = ledger.CreateCommand();
        rows.CommandText = "SELECT id, completion_tokens FROM usage WHERE state = 'done'";
        var done = new Dictionary<string, int>(StringComparer.Ordinal);
        using var reader = rows.ExecuteReader();
        while (reader.Read())
        {
            done[reader.GetString(0)] = reader.GetInt32(1);
        }

        Assert.NotEmpty(completionTokens);
        Assert.All(completionTokens, answer => Assert.Equal(answer.Value, done.GetValueOrDefault(answer.Key, -1)));
    }

    private void Count(string kind, int status) => statuses.AddOrUpdate($"{kind} {status}", 1, static (_, seen) => seen + 1);
}
