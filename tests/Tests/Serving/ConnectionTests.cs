using System.Net;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Serving;

public sealed class ConnectionTests
{
    private const string Streamed = """{"messages":[{"role":"user","content":"Hi"}],"stream":true}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_cancels_its_request(bool streams)
    {
        var answers = new ScriptedAnswers { Text = "a b c", Gate = new TaskCompletionSource().Task };
        await using var server = await TestServer.Scripted(answers);
        using var leave = new CancellationTokenSource();
        using var content = new StringContent(streams ? Streamed : Streamed.Replace("true", "false", StringComparison.Ordinal));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = content };
        var sending = server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leave.Token);
        while (answers.Requests.Count == 0)
        {
            await Task.Delay(5, Cancellation);
        }

        using var response = streams ? await sending : null;
        response?.Dispose();
        await leave.CancelAsync();
        await answers.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }

    [Fact]
    public async Task The_engine_is_free_again_after_a_client_left()
    {
        await using var server = await TestServer.Real();
        using (var response = await server.Send("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"stream":true,"ignore_eos":true,"max_tokens":3900}"""))
        {
            await using var stream = await response.Content.ReadAsStreamAsync(Cancellation);
            await stream.ReadExactlyAsync(new byte[4000], Cancellation);
        }

        while (server.Running > 0)
        {
            await Task.Delay(10, Cancellation);
        }

        var usage = await server.Get("/v1/usage");
        Assert.InRange((int)usage["completion_tokens"]!, 1, 3800);
    }

    [Fact]
    public async Task Silence_is_bridged_with_comments()
    {
        var gate = new TaskCompletionSource();
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Gate = gate.Task }, options => options.KeepAlive = TimeSpan.FromMilliseconds(40));
        using var response = await server.Send("/v1/chat/completions", Streamed);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        var (comments, last) = (0, "");
        while (await lines.ReadLineAsync(Cancellation) is { } line)
        {
            comments += line.StartsWith(':') ? 1 : 0;
            last = line.Length > 0 ? line : last;
            if (comments == 3)
            {
                gate.TrySetResult();
            }
        }

        Assert.True(comments >= 3);
        Assert.Equal("data: [DONE]", last);
    }

    [Fact]
    public async Task Stopping_refuses_new_requests_and_lets_running_ones_end()
    {
        var gate = new TaskCompletionSource();
        var answers = new ScriptedAnswers { Text = "all of it", Gate = gate.Task };
        await using var server = await TestServer.Scripted(answers);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/ready", Cancellation)).StatusCode);
        var running = server.Stream("/v1/chat/completions", Streamed);
        while (answers.Requests.Count == 0)
        {
            await Task.Delay(5, Cancellation);
        }

        var stopping = server.Stop();
        while ((await server.Client.GetAsync("/ready", Cancellation)).StatusCode != HttpStatusCode.ServiceUnavailable)
        {
            await Task.Delay(5, Cancellation);
        }

        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health", Cancellation)).StatusCode);
        using var refused = await server.Send("/v1/chat/completions", Streamed);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        gate.SetResult();
        Assert.Equal("[DONE]", (await running)[^1].Data);
        await stopping.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }

    [Fact]
    public async Task After_the_drain_deadline_running_requests_are_ended_with_an_error()
    {
        var answers = new ScriptedAnswers { Text = "a b c", Gate = new TaskCompletionSource().Task };
        await using var server = await TestServer.Scripted(answers, options => options.DrainDeadline = TimeSpan.FromMilliseconds(50));
        var running = server.Stream("/v1/chat/completions", Streamed);
        while (answers.Requests.Count == 0)
        {
            await Task.Delay(5, Cancellation);
        }

        await server.Stop().WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        Assert.Contains("shutting_down", (await running)[^2].Data, StringComparison.Ordinal);
        await answers.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(5), Cancellation);
    }

    [Fact]
    public async Task A_full_queue_is_429_with_the_time_to_wait()
    {
        await using var server = await TestServer.Scripted(new ScriptedAnswers { Refusal = new QueueFullException(4) });
        using var response = await server.Send("/v1/chat/completions", Streamed);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.True(response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        Assert.Contains("queue_full", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(0, (int)(await server.Get("/v1/usage"))["requests"]!);
    }
}
