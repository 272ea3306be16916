using System.Net;
using System.Text;

namespace MiniMaxSharp.Tests.Serving;

public sealed class RobustnessTests
{
    private static readonly (string Path, string Body)[] requests =
    [
        ("/v1/chat/completions", """{"messages":[{"role":"user","content":"Grüße"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}],"tools":[{"type":"function","function":{"name":"f"}}],"stop":["x"],"logit_bias":{"5":1}}"""),
        ("/v1/completions", """{"prompt":["a","b"],"n":2,"max_tokens":3,"seed":1,"stream":true,"stream_options":{"include_usage":true}}"""),
        ("/v1/responses", """{"input":[{"role":"user","content":[{"type":"input_text","text":"Q"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"tools":[{"type":"function","name":"f"}],"reasoning":{"effort":"low"}}"""),
        ("/v1/messages", """{"max_tokens":5,"system":[{"type":"text","text":"S"}],"thinking":{"type":"enabled","budget_tokens":9},"tools":[{"name":"f","input_schema":{}}],"messages":[{"role":"user","content":[{"type":"text","text":"Q","cache_control":{"type":"ephemeral"}}]}]}"""),
        ("/tokenize", """{"messages":[{"role":"user","content":"Q"}]}"""),
        ("/detokenize", """{"tokens":[1,2,3]}"""),
    ];

    /// <summary>Bytes are changed, cut and doubled at random; the values of JSON are exchanged for others.</summary>
    [Fact]
    public async Task Damaged_requests_never_fail_on_the_server_side()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Text = "a b" });
        var random = new Random(1);
        for (var i = 0; i < 600; i++)
        {
            var (path, body) = requests[i % requests.Length];
            var damaged = i % 2 == 0 ? DamageBytes(Encoding.UTF8.GetBytes(body), random) : Encoding.UTF8.GetBytes(ExchangeValue(body, random));
            using var content = new ByteArrayContent(damaged);
            using var response = await server.Client.PostAsync(path, content, TestContext.Current.CancellationToken);
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(
                response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.NotFound,
                $"{path} {Encoding.UTF8.GetString(damaged)}: {response.StatusCode} {text}");
            Assert.DoesNotContain("server_error", text, StringComparison.Ordinal);
        }

        Assert.Equal(0, server.Running);
    }

    [Fact]
    public async Task Hostile_depth_is_refused()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers());
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000);
        var (status, _) = await server.Post("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"Q"}],"tools":[{{deep}}]}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
    }

    private static byte[] DamageBytes(byte[] body, Random random)
    {
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(body.Length);
            body = random.Next(3) switch
            {
                0 => [.. body[..at], (byte)random.Next(256), .. body[(at + 1)..]],
                1 => body[..Math.Max(1, at)],
                _ => [.. body[..at], .. body[(at / 2)..]],
            };
        }

        return body;
    }

    private static string ExchangeValue(string body, Random random)
    {
        string[] values = ["null", "true", "-1", "1e999", "99999999999", "0.5", "\"x\"", "\"\\ud800\"", "[]", "{}", "[null]", "[[1]]", "{\"type\":5}", "[{}]"];
        int[] colons = [.. body.Index().Where(pair => pair.Item == ':').Select(pair => pair.Index)];
        var at = colons[random.Next(colons.Length)] + 1;
        var end = at;
        for (var (depth, quoted) = (0, false); end < body.Length && (quoted || depth > 0 || body[end] is not (',' or '}' or ']')); end++)
        {
            quoted ^= body[end] == '"' && body[end - 1] != '\\';
            depth += quoted ? 0 : body[end] is '{' or '[' ? 1 : body[end] is '}' or ']' ? -1 : 0;
        }

        return body[..at] + values[random.Next(values.Length)] + body[end..];
    }
}
