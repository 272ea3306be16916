using System.Net;
using System.Text;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Tests.Serving;

public sealed class UsageLedgerTests : IDisposable
{
    private static readonly PriceTier cheap = new(100, 0.8m, 8m);
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, 0.8, 8)]
    [InlineData(32768, 0.8, 8)]
    [InlineData(32769, 1.2, 16)]
    [InlineData(131073, 2.4, 24)]
    [InlineData(9_000_000, 2.4, 24)]
    public void The_price_goes_by_the_length_of_the_input(int promptTokens, double input, double output)
    {
        var tier = PriceTier.Of(PriceTier.Published, promptTokens);
        Assert.Equal(((decimal)input, (decimal)output), (tier.Input, tier.Output));
    }

    [Fact]
    public void Costs_add_up_exactly_and_by_key()
    {
        using var ledger = UsageLedger.Open(null, TimeProvider.System);
        for (var i = 0; i < 1000; i++)
        {
            ledger.Begin($"r{i}", i % 2 == 0 ? "alice" : "bob", "m", "chat", 7, cheap);
            ledger.End($"r{i}", new TokenUsage(7, 2, 3, 1), "done");
        }

        var total = ledger.Total("alice", DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue);
        Assert.Equal(new UsageTotal(500, 0, 3500, 1000, 1500, 500, 500 * ((7 * 800L) + (3 * 8000L))), total);
        Assert.Equal(0, ledger.Total("alice", DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow.AddDays(-1)).Requests);
    }

    [Fact]
    public void What_a_crash_left_open_is_marked_and_keeps_its_tokens()
    {
        using (var ledger = UsageLedger.Open(folder["usage.db"], TimeProvider.System))
        {
            ledger.Begin("a", "alice", "m", "chat", 7, cheap);
            ledger.End("a", new TokenUsage(7, 0, 3, 0), "done");
            ledger.Begin("b", "alice", "m", "chat", 9, cheap);
            ledger.Progress("b", new TokenUsage(9, 0, 256, 0));
        }

        using var again = UsageLedger.Open(folder["usage.db"], TimeProvider.System);
        Assert.Equal((2L, 1L, 16L, 259L), Figures(again, "alice"));
    }

    [Fact]
    public void A_file_that_is_no_ledger_is_refused()
    {
        File.WriteAllText(folder["x.db"], new string('x', 5000));
        Assert.Throws<InvalidInputException>(() => UsageLedger.Open(folder["x.db"], TimeProvider.System));
    }

    [Fact]
    public async Task A_killed_server_has_lost_nothing_that_it_answered()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using (var server = await ServeProcess.Start("--ledger", folder["usage.db"]))
        {
            for (var i = 0; i < 5; i++)
            {
                using var answered = await server.Client.PostAsync("/v1/completions", Json("""{"prompt":[1,2,3],"max_tokens":4,"ignore_eos":true}"""), cancellation);
                Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
            {
                Content = Json("""{"prompt":[1,2,3],"max_tokens":4000,"ignore_eos":true,"stream":true}"""),
            };
            using var streaming = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            using var reader = new StreamReader(await streaming.Content.ReadAsStreamAsync(cancellation));
            for (var i = 0; i < 700; i++)
            {
                await reader.ReadLineAsync(cancellation);
            }

            await server.Kill();
        }

        using var ledger = UsageLedger.Open(folder["usage.db"], TimeProvider.System);
        var (requests, interrupted, prompt, completion) = Figures(ledger, "anonymous");
        Assert.Equal((6L, 1L, 18L), (requests, interrupted, prompt));
        Assert.InRange(completion, 20 + UsageLedger.ProgressTokens, 4020);
    }

    private static (long Requests, long Interrupted, long Prompt, long Completion) Figures(UsageLedger ledger, string key)
    {
        var total = ledger.Total(key, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue);
        return (total.Requests, total.Interrupted, total.PromptTokens, total.CompletionTokens);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
