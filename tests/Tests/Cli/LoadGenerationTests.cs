using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Cli;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Cli;

public sealed class LoadGenerationTests
{
    [Fact]
    public void Arrivals_of_an_open_loop_are_a_Poisson_process_of_the_rate()
    {
        var arrivals = new LoadShape { Requests = 20_000, Rate = 50, PromptTokens = new(1, 1) }.Create().Select(static request => request.Arrival!.Value.TotalSeconds).ToArray();
        var gaps = arrivals.Zip(arrivals.Skip(1), static (before, after) => after - before).ToArray();
        Assert.All(gaps, static gap => Assert.True(gap >= 0));
        Assert.InRange(gaps.Average(), 0.0194, 0.0206); // 3 % of 1/50; the standard error is 0.7 %.
        Assert.InRange(gaps.Count(static gap => gap > 0.02) / 20_000.0, Math.Exp(-1) - 0.015, Math.Exp(-1) + 0.015);
        var counts = arrivals.GroupBy(static time => (int)time).Select(static second => (double)second.Count()).SkipLast(1).ToArray();
        var mean = counts.Average();
        Assert.InRange(counts.Average(count => (count - mean) * (count - mean)) / mean, 0.8, 1.25); // Variance equals mean.
    }

    [Fact]
    public void A_seed_gives_the_same_requests_and_lengths_stay_in_their_ranges()
    {
        var shape = new LoadShape { Requests = 200, Rate = 3, PromptTokens = new(5, 9), GeneratedTokens = new(2, 4), Vocabulary = 17, Seed = 3 };
        var (first, second) = (shape.Create(), shape.Create());
        Assert.Equal(first.Select(static request => (request.Arrival, string.Join(' ', request.Prompt), request.MaxTokens)), second.Select(static request => (request.Arrival, string.Join(' ', request.Prompt), request.MaxTokens)));
        Assert.NotEqual(first[0].Prompt, (shape with { Seed = 4 }).Create()[0].Prompt);
        Assert.Equal([5, 6, 7, 8, 9], first.Select(static request => request.Prompt.Length).Distinct().Order());
        Assert.Equal([2, 3, 4], first.Select(static request => request.MaxTokens).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, 17), first.SelectMany(static request => request.Prompt).Distinct().Order());
    }

    [Theory]
    [InlineData("x")]
    [InlineData("0")]
    [InlineData("9-3")]
    [InlineData("1-2-3")]
    [InlineData("-5")]
    public void Lengths_that_are_none_are_refused(string text) =>
        Assert.Contains("--prompt-tokens", Assert.Throws<InvalidInputException>(() => LengthRange.Parse(text, "--prompt-tokens")).Message, StringComparison.Ordinal);

    [Fact]
    public void Percentiles_interpolate_between_ranks()
    {
        var percentiles = Percentiles.Of(Enumerable.Range(0, 101).Select(static value => (double)value).Reverse());
        Assert.Equal((50, 90, 99, 50), (percentiles.P50, percentiles.P90, percentiles.P99, percentiles.Mean));
        Assert.Equal(2.5, Percentiles.Of([1, 4, 2, 3]).P50, 12);
        Assert.Equal(default, Percentiles.Of([]));
    }

    [Fact]
    public async Task A_closed_loop_never_has_more_requests_in_flight_than_clients()
    {
        var (running, most) = (0, 0);
        var requests = new LoadShape { Requests = 60, PromptTokens = new(1, 1) }.Create();
        var (results, _) = await LoadRun.Send(requests, 5, async (_, cancel) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Delay(2, cancel);
            Interlocked.Decrement(ref running);
            return new LoadResult { Status = 200 };
        }, null, TestContext.Current.CancellationToken);
        Assert.Equal(60, results.Count(static result => result.Status == 200));
        Assert.InRange(most, 1, 5);
    }

    [Fact]
    public async Task Answers_errors_and_broken_streams_are_told_apart()
    {
        var cancel = TestContext.Current.CancellationToken;
        var stream = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n: keep-alive\n\ndata: {\"choices\":[{\"text\":\"b\"}]}\n\n"
            + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\ndata: [DONE]\n\n";
        var good = await Send(HttpStatusCode.OK, stream);
        Assert.Equal((null, 3, 1, 2), (good.Error, good.PromptTokens, good.CachedTokens, good.GeneratedTokens));
        Assert.Single(good.Gaps);
        var native = await Send(HttpStatusCode.OK, "data: {\"content\":\"a\",\"stop\":false}\n\ndata: {\"content\":\"\",\"stop\":true,\"tokens_predicted\":2,\"tokens_evaluated\":3,\"timings\":{\"cache_n\":1}}\n\n");
        Assert.Equal((null, 3, 1, 2), (native.Error, native.PromptTokens, native.CachedTokens, native.GeneratedTokens));
        var busy = await Send(HttpStatusCode.TooManyRequests, "{\"error\":\"busy\"}");
        Assert.Equal(429, busy.Status);
        Assert.Contains("busy", busy.Error, StringComparison.Ordinal);
        Assert.NotNull((await Send(HttpStatusCode.OK, "data: {\"error\":{\"message\":\"no memory\"}}\n\n")).Error);
        Assert.NotNull((await Send(HttpStatusCode.OK, "data: [DONE]\n\n")).Error);
        Assert.Equal(0, (await Send(HttpStatusCode.OK, "data: {\"choi\n\n")).Status);

        var summary = new LoadSummary([good, good, busy], TimeSpan.FromSeconds(2));
        Assert.Equal((2, 6L, 2L, 4L), (summary.Answered, summary.PromptTokens, summary.CachedTokens, summary.GeneratedTokens));
        Assert.Equal(1, summary.Errors[429]);
        Assert.Equal(2, (double)summary.ToJson()["generated_tokens_per_second"]!);

        async Task<LoadResult> Send(HttpStatusCode status, string body)
        {
            using var http = new HttpClient(new FixedAnswer(status, body));
            return await new CompletionCall(http, new Uri("http://server/"), null).Send(new LoadRequest(null, [1, 2, 3], 2), cancel);
        }
    }

    [Fact]
    public async Task A_model_is_served_and_measured()
    {
        var run = await CommandLineRun.Of("bench", "serve", RandomTiny.Folder, "--requests", "6", "--clients", "3", "-p", "4-8", "-n", "5", "--warm-up", "0", "--threads", "1", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var json = JsonNode.Parse(run.Output)!;
        Assert.Equal((6, 30), ((int)json["answered"]!, (int)json["generated_tokens"]!));
        Assert.InRange((int)json["prompt_tokens"]!, 24, 48);
        Assert.Empty(json["errors"]!.AsObject());
    }

    [Fact]
    public async Task The_reuse_of_prompts_over_HTTP_goes_down_to_the_grid()
    {
        var run = await CommandLineRun.Of("bench", "serve", RandomTiny.Folder, "--prefix", "--threads", "2", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var rows = JsonNode.Parse(run.Output)!.AsArray();
        Assert.Equal([1024, 512, 1024, 512], rows.Select(static row => (int)row!["cached_tokens"]!));
        Assert.Contains("left out: second turn", run.Error, StringComparison.Ordinal); // The placeholder takes 4,096 tokens.
    }

    [Theory]
    [InlineData("--clients", "0")]
    [InlineData("--rate", "0")]
    [InlineData("-n", "x")]
    public async Task Bad_numbers_exit_with_2(string option, string value) =>
        Assert.Equal(CommandLine.BadInput, (await CommandLineRun.Of("bench", "serve", RandomTiny.Folder, option, value)).ExitCode);

    private sealed class FixedAnswer(HttpStatusCode status, string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, "text/event-stream") });
    }
}
