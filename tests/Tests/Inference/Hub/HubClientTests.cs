using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class HubClientTests : IDisposable
{
    private const string Secret = "hf_SECRETsecret";
    private static readonly string listTarget = LocalHub.ListTarget(HubTestRun.Repo);
    private readonly HubTestRun run = new();

    public void Dispose() => run.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_refusal_says_how_to_give_a_token_and_is_not_repeated(int status)
    {
        run.Hub.Fail(listTarget, new Fault { Status = status, Headers = ["X-Error-Message: gated\u0007 repo"] });
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.PullAsync());
        Assert.Contains($"owner/tiny at main: 127.0.0.1 answers {status} (\"gated\uFFFD repo\")", error.Message, StringComparison.Ordinal);
        Assert.Contains("Set HF_TOKEN or give --token; for a gated model, first accept its conditions", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, run.Hub.Count(listTarget));
    }

    [Fact]
    public async Task A_refused_token_is_said_to_be_refused_but_not_shown()
    {
        run.Token = Secret;
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Status = 403, Headers = [$"X-Error-Message: {Secret} may not read"] });
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.PullAsync());
        Assert.Contains($"{HubTestRun.Shard}: 127.0.0.1 answers 403", error.Message, StringComparison.Ordinal);
        Assert.Contains("The token is not valid here", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, error.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_missing_repository_is_named_with_what_was_asked()
    {
        using var client = run.Client();
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => client.ListAsync("owner/other", "v2", Cancellation));
        Assert.Contains("owner/other at v2: not found on 127.0.0.1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_requests_waits_as_long_as_the_server_says()
    {
        run.Hub.Fail(listTarget, new Fault { Status = 429, Headers = ["Retry-After: 17"] });
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Status = 429, Headers = ["Retry-After: Thu, 01 Jan 2026 00:05:00 GMT"] });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Equal([18.0, 283.0], run.Time.Waits.Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public async Task A_wait_of_hours_is_not_begun()
    {
        run.Hub.Fail(listTarget, new Fault { Status = 429, Headers = ["Retry-After: 36000"] });
        var error = await Assert.ThrowsAsync<HubException>(() => run.PullAsync());
        Assert.Contains("asks to wait 10.0 hours", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failures_of_the_server_are_repeated_with_growing_waits_and_then_reported()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Status = 500 }, new Fault { Status = 503 }, new Fault { Status = 408 }, new Fault { CutAfter = 0 });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Equal([1.0, 2, 4, 8], run.Time.Waits.Select(wait => wait.TotalSeconds));

        run.Hub.Fail(listTarget, [.. Enumerable.Repeat(new Fault { Status = 502 }, 10)]);
        var error = await Assert.ThrowsAsync<HubException>(() => run.PullAsync());
        Assert.Contains("owner/tiny at main: given up after 10 attempts: 127.0.0.1 answers 502.", error.Message, StringComparison.Ordinal);
        Assert.Equal([1.0, 2, 4, 8, 16, 32, 60, 60, 60], run.Time.Waits.Skip(4).Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public async Task Progress_between_failures_makes_the_waits_start_anew()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, [.. Enumerable.Repeat(new Fault { CutAfter = 15_000 }, 12)]);
        await run.PullAsync();
        run.AssertComplete();
        Assert.Equal(Enumerable.Repeat(1.0, 12), run.Time.Waits.Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public async Task A_hub_that_is_not_there_is_reported()
    {
        run.Options = run.Options with { MaxAttempts = 2 };
        var gone = new LocalHub();
        gone.Dispose();
        var endpoint = gone.Endpoint;
        using var client = new HubClient(HubAddress.Create(null, endpoint, "", _ => null), run.Options);
        var error = await Assert.ThrowsAsync<HubException>(() => client.ListAsync(HubTestRun.Repo, null, Cancellation));
        Assert.Contains("cannot be reached", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_not_to_where_it_redirects()
    {
        using var storage = new LocalHub();
        storage.Contents["/blob?signature=1"] = run.Files[HubTestRun.Shard];
        storage.Fail("/blob?signature=1", new Fault { CutAfter = 60_000 });
        var redirect = new Fault { Status = 302, Headers = [$"Location: {storage.Endpoint}/blob?signature=1"] };
        run.Hub.Fail(HubTestRun.ShardTarget, redirect, redirect);
        run.Token = Secret;
        await run.PullAsync();
        run.AssertComplete();
        Assert.All(run.Hub.Requests, request => Assert.Equal("Bearer " + Secret, request.Authorization));
        Assert.Equal([null, "bytes=60000-"], storage.Requests.Select(request => request.Range));
        Assert.All(storage.Requests, request => Assert.DoesNotContain(request.Headers.Values, value => value.Contains(Secret, StringComparison.Ordinal)));
        Assert.DoesNotContain(run.Notes, note => note.Contains("signature", StringComparison.Ordinal) || note.Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_redirect_that_comes_back_to_the_hub_does_not_get_the_token_again()
    {
        using var other = new LocalHub();
        other.Fail("/there", new Fault { Status = 307, Headers = [$"Location: {run.Hub.Endpoint}/back"] });
        run.Hub.Contents["/back"] = run.Files[HubTestRun.Shard];
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Status = 302, Headers = [$"Location: {other.Endpoint}/there"] });
        run.Token = Secret;
        await run.PullAsync();
        Assert.Null(run.Hub.Requests.Single(request => request.Target == "/back").Authorization);
    }

    [Fact]
    public async Task A_relative_redirect_of_a_renamed_repository_keeps_the_token()
    {
        run.Hub.Contents["/moved?blobs=true"] = run.Hub.Contents[listTarget];
        run.Hub.Fail(listTarget, new Fault { Status = 307, Headers = ["Location: /moved?blobs=true"] });
        run.Token = Secret;
        await run.PullAsync();
        run.AssertComplete();
        Assert.All(run.Hub.Requests, request => Assert.Equal("Bearer " + Secret, request.Authorization));
    }

    [Fact]
    public async Task A_refusal_of_the_storage_host_asks_the_hub_again()
    {
        using var storage = new LocalHub();
        storage.Fail("/blob", new Fault { Status = 403 });
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Status = 302, Headers = [$"Location: {storage.Endpoint}/blob"] });
        await run.PullAsync();
        run.AssertComplete();
    }

    [Fact]
    public async Task Redirects_in_a_circle_end()
    {
        run.Hub.Fail(listTarget, [.. Enumerable.Repeat(new Fault { Status = 302, Headers = [$"Location: {listTarget}"] }, 20)]);
        var error = await Assert.ThrowsAsync<HubException>(() => run.PullAsync());
        Assert.Contains("in a circle", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mirror_without_sizes_is_asked_for_its_tree_page_by_page()
    {
        var bare = new JsonObject
        {
            ["sha"] = LocalHub.Commit,
            ["siblings"] = new JsonArray([.. run.Files.Keys.Select(name => (JsonNode)new JsonObject { ["rfilename"] = name })]),
        };
        run.Hub.Contents[listTarget] = Encoding.UTF8.GetBytes(bare.ToJsonString());
        var tree = $"/api/models/{HubTestRun.Repo}/tree/{LocalHub.Commit}?recursive=true";
        var pages = run.Files.Select(file => file.Value.Length >= 1000
            ? $$"""[{"type":"file","oid":"{{new string('0', 40)}}","size":{{file.Value.Length}},"lfs":{"oid":"{{LocalHub.Sha256(file.Value)}}","size":{{file.Value.Length}}},"path":"{{file.Key}}"}]"""
            : $$"""[{"type":"directory","oid":"0","size":0,"path":"sub"},{"type":"file","oid":"{{LocalHub.GitBlob(file.Value)}}","size":{{file.Value.Length}},"path":"{{file.Key}}"}]""").ToArray();
        for (var i = 0; i < pages.Length; i++)
        {
            var target = i == 0 ? tree : $"{tree}&cursor={i}";
            var link = i + 1 < pages.Length ? new[] { $"Link: <{run.Hub.Endpoint}{tree}&cursor={i + 1}>; rel=\"next\"" } : [];
            run.Hub.Fail(target, new Fault { Content = Encoding.UTF8.GetBytes(pages[i]), Headers = link });
        }

        await run.PullAsync();
        run.AssertComplete();
    }

    [Fact]
    public async Task ModelScope_lists_and_sends_in_its_own_way()
    {
        var items = run.Files.Select(file => (JsonNode)new JsonObject
        {
            ["Path"] = file.Key,
            ["Size"] = file.Value.Length,
            ["Sha256"] = LocalHub.Sha256(file.Value),
            ["Type"] = "blob",
            ["Revision"] = LocalHub.Commit,
        }).Append(new JsonObject { ["Path"] = "sub", ["Size"] = 0, ["Type"] = "tree" });
        var answer = new JsonObject { ["Code"] = 200, ["Data"] = new JsonObject { ["Files"] = new JsonArray([.. items]) } };
        run.Hub.Contents[$"/api/v1/models/{HubTestRun.Repo}/repo/files?Revision=master&Recursive=true"] = Encoding.UTF8.GetBytes(answer.ToJsonString());
        foreach (var (name, content) in run.Files)
        {
            run.Hub.Contents[$"/api/v1/models/{HubTestRun.Repo}/repo?Revision={LocalHub.Commit}&FilePath={name}"] = content;
        }

        run.Token = Secret;
        using var client = run.Client(HubKind.ModelScope);
        var listing = (await client.ListAsync(HubTestRun.Repo, null, Cancellation)).Select([], []);
        Assert.Equal(LocalHub.Commit, listing.Commit);
        var download = new HubDownload(client, listing, run.Folder);
        await download.RunAsync(await download.PlanAsync(true, false, Cancellation), null, Cancellation);
        run.AssertComplete();
        Assert.All(run.Hub.Requests, request => Assert.Equal("m_session_id=" + Secret, request.Headers["cookie"]));
    }

    [Fact]
    public async Task A_failure_that_ModelScope_reports_with_status_200_is_a_failure()
    {
        run.Hub.Contents[$"/api/v1/models/{HubTestRun.Repo}/repo/files?Revision=master&Recursive=true"] = """{"Code":10010205001,"Message":"no such model","Data":null}"""u8.ToArray();
        using var client = run.Client(HubKind.ModelScope);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => client.ListAsync(HubTestRun.Repo, null, Cancellation));
        Assert.Contains("code 10010205001 (\"no such model\")", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html>welcome</html>", "no JSON")]
    [InlineData("{}", "names no commit")]
    [InlineData("[1]", "names no commit")]
    [InlineData("{\"sha\":\"../../x\",\"siblings\":[]}", "names no commit")]
    [InlineData("{\"sha\":\"\\ud800\",\"siblings\":[]}", "names no commit")]
    public async Task Answers_that_are_no_listing_are_refused(string answer, string expected)
    {
        run.Hub.Contents[listTarget] = Encoding.UTF8.GetBytes(answer);
        var error = await Assert.ThrowsAsync<HubException>(() => run.PullAsync());
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
