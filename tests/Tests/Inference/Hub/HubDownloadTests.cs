using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class HubDownloadTests : IDisposable
{
    private readonly HubTestRun run = new();

    public void Dispose() => run.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Files_arrive_complete_and_are_not_fetched_again()
    {
        Assert.Equal(run.Files.Values.Sum(content => content.Length), await run.PullAsync());
        run.AssertComplete();
        Assert.Equal(0, await run.PullAsync());
        Assert.All(run.Files.Keys, name => Assert.Equal(1, run.Hub.Count(LocalHub.FileTarget(HubTestRun.Repo, name))));
        Assert.Empty(run.Notes);
    }

    [Fact]
    public async Task A_cut_connection_is_resumed_where_it_ended()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { CutAfter = 60_000 }, new Fault { CutAfter = 50_000 });
        Assert.Equal(run.Files.Values.Sum(content => content.Length), await run.PullAsync());
        run.AssertComplete();
        var ranges = run.Hub.Requests.Where(request => request.Target == HubTestRun.ShardTarget).Select(request => request.Range);
        Assert.Equal([null, "bytes=60000-", "bytes=110000-"], ranges);
        Assert.Contains("Attempt 2 of 10 in 1.0 s", run.Notes[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stalled_connection_is_given_up_and_resumed()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { StallAfter = 12_345 });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Equal("bytes=12345-", run.Hub.Requests.Last(request => request.Target == HubTestRun.ShardTarget).Range);
        Assert.Contains("sends nothing any more", run.Notes.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_ignores_ranges_starts_the_file_again()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { CutAfter = 60_000 }, new Fault { IgnoresRange = true });
        var last = default(HubProgress);
        await run.PullAsync(progress: new Callback(value => last = value));
        run.AssertComplete();
        Assert.Equal((last.TotalBytes, 3, 3), (last.DoneBytes, last.DoneFiles, last.TotalFiles));
        Assert.Equal(last.TotalBytes + 60_000, last.ReceivedBytes);
    }

    [Fact]
    public async Task A_resume_at_another_place_is_not_appended()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { CutAfter = 60_000 }, new Fault { WrongOffset = 59_000 });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Contains(run.Notes, note => note.Contains("another place", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unsatisfiable_range_starts_the_file_again()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { CutAfter = 60_000 }, new Fault { Status = 416 });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Null(run.Hub.Requests.Last(request => request.Target == HubTestRun.ShardTarget).Range);
    }

    [Fact]
    public async Task An_announced_length_that_is_too_short_is_mended_by_resuming()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { ClaimedLength = 150_000 });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Equal("bytes=150000-", run.Hub.Requests.Last(request => request.Target == HubTestRun.ShardTarget).Range);
    }

    [Fact]
    public async Task An_announced_length_that_is_too_long_is_refused_with_both_numbers()
    {
        run.Options = run.Options with { MaxAttempts = 3 };
        run.Hub.Fail(HubTestRun.ShardTarget, [.. Enumerable.Repeat(new Fault { ClaimedLength = 250_000 }, 3)]);
        var error = await Assert.ThrowsAsync<HubException>(() => run.PullAsync());
        Assert.Contains($"{HubTestRun.Shard}: given up after 3 attempts", error.Message, StringComparison.Ordinal);
        Assert.Contains("announces 250,000 bytes where 200,000 are missing", error.Message, StringComparison.Ordinal);
        await run.PullAsync();
        run.AssertComplete();
    }

    [Fact]
    public async Task A_body_that_is_longer_than_listed_is_thrown_away()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Chunked = true, Content = [.. run.Files[HubTestRun.Shard], 1, 2, 3] });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Contains("sends more than the 200,000 bytes", run.Notes.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_content_is_fetched_once_more()
    {
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { Content = HubTestRun.Bytes(7, 200_000) });
        await run.PullAsync();
        run.AssertComplete();
        Assert.Contains("It is fetched once more", run.Notes.Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HubTestRun.Shard)]
    [InlineData("config.json")]
    public async Task Content_that_stays_wrong_is_deleted_and_named_with_both_hashes(string name)
    {
        var content = run.Files[name];
        var wrong = HubTestRun.Bytes(7, content.Length);
        run.Hub.Contents[LocalHub.FileTarget(HubTestRun.Repo, name)] = wrong;
        var error = await Assert.ThrowsAsync<HubException>(() => run.PullAsync());
        var (expected, actual) = content.Length >= 1000
            ? ("sha256:" + LocalHub.Sha256(content), "sha256:" + LocalHub.Sha256(wrong))
            : ("git-sha1:" + LocalHub.GitBlob(content), "git-sha1:" + LocalHub.GitBlob(wrong));
        Assert.StartsWith($"{name}: the content has {actual}, but the hub lists {expected}.", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(run.PathOf(name)));
        Assert.Empty(Directory.GetFiles(run.Folder, name + ".*.part"));
    }

    [Fact]
    public async Task A_damaged_part_of_an_earlier_run_costs_one_more_download()
    {
        Directory.CreateDirectory(run.Folder);
        await File.WriteAllBytesAsync(run.PartOf(HubTestRun.Shard), new byte[150_000], Cancellation);
        await run.PullAsync();
        run.AssertComplete();
    }

    [Fact]
    public async Task A_part_of_an_earlier_run_is_continued_and_one_of_another_revision_is_not()
    {
        Directory.CreateDirectory(run.Folder);
        await File.WriteAllBytesAsync(run.PartOf(HubTestRun.Shard), run.Files[HubTestRun.Shard][..150_000], Cancellation);
        var second = "model-00001-of-00002.safetensors";
        await File.WriteAllBytesAsync(run.PathOf(second) + ".00112233445566ff.part", new byte[70_000], Cancellation);
        Assert.Equal(50_000 + 70_001 + run.Files["config.json"].Length, await run.PullAsync());
        run.AssertComplete();
    }

    [Fact]
    public async Task Changed_content_is_noticed_by_its_tag_where_the_hub_lists_no_hashes()
    {
        using var plain = new HubTestRun(withHashes: false);
        plain.Hub.Fail(HubTestRun.ShardTarget, new Fault { CutAfter = 60_000, Content = HubTestRun.Bytes(7, 200_000) });
        await plain.PullAsync();
        plain.AssertComplete();
        Assert.Contains(plain.Notes, note => note.Contains("changed on the server", StringComparison.Ordinal));
        Assert.Equal(0, await plain.PullAsync());
    }

    [Fact]
    public async Task A_changed_file_is_found_by_its_time_or_by_verifying()
    {
        await run.PullAsync();
        var path = run.PathOf(HubTestRun.Shard);
        var time = File.GetLastWriteTimeUtc(path);
        var bytes = await File.ReadAllBytesAsync(path, Cancellation);
        bytes[1000] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, Cancellation);
        File.SetLastWriteTimeUtc(path, time);
        Assert.Equal(0, await run.PullAsync());
        Assert.Equal(200_000, await run.PullAsync(verify: true));
        run.AssertComplete();

        await File.WriteAllBytesAsync(path, bytes, Cancellation);
        File.SetLastWriteTimeUtc(path, time.AddSeconds(5));
        Assert.Equal(200_000, await run.PullAsync());
        run.AssertComplete();
    }

    [Fact]
    public async Task Files_that_came_another_way_are_hashed_and_kept()
    {
        Directory.CreateDirectory(run.Folder);
        await File.WriteAllBytesAsync(run.PathOf(HubTestRun.Shard), run.Files[HubTestRun.Shard], Cancellation);
        await File.WriteAllTextAsync(run.PathOf(".minimax-pull.json"), "damaged", Cancellation);
        Assert.Equal(70_001 + run.Files["config.json"].Length, await run.PullAsync());
        run.AssertComplete();
    }

    [Fact]
    public async Task Too_little_space_is_refused_before_anything_is_written()
    {
        var needed = run.Files.Values.Sum(content => (long)content.Length);
        run.Options = run.Options with { FreeBytes = _ => needed - 1 };
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.PullAsync());
        Assert.Contains($"{needed:N0} bytes have to come, but only {needed - 1:N0} bytes are free", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Folder));

        // What is there already counts.
        Directory.CreateDirectory(run.Folder);
        await File.WriteAllBytesAsync(run.PartOf(HubTestRun.Shard), run.Files[HubTestRun.Shard][..1], Cancellation);
        await run.PullAsync();
        run.AssertComplete();
    }

    [Fact]
    public async Task A_cancelled_download_keeps_its_parts_and_resumes()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        run.Options = run.Options with { StallTimeout = TimeSpan.FromSeconds(30) };
        run.Hub.Fail(HubTestRun.ShardTarget, new Fault { StallAfter = 60_000 });
        var total = run.Files.Values.Sum(content => content.Length);
        var progress = new Callback(value =>
        {
            if (value.DoneBytes == total - 140_000)
            {
                cancel.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.PullAsync(progress: progress, cancellation: cancel.Token));
        Assert.Equal(60_000, new FileInfo(run.PartOf(HubTestRun.Shard)).Length);
        Assert.Equal(140_000, await run.PullAsync());
        run.AssertComplete();
    }

    [Fact]
    public async Task A_second_download_into_the_same_folder_is_refused()
    {
        Directory.CreateDirectory(run.Folder);
        await using (new FileStream(run.PartOf(HubTestRun.Shard), FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.PullAsync());
            Assert.Contains("is in use", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Several_files_come_at_the_same_time_but_no_more_than_asked()
    {
        var many = Enumerable.Range(0, 6).ToDictionary(i => $"m{i}.safetensors", i => HubTestRun.Bytes(i, 2000 + i));
        using var crowd = new HubTestRun();
        crowd.Hub.AddRepository(HubTestRun.Repo, many);

        // Every file stalls at its first attempt, so that three of them wait together.
        foreach (var name in many.Keys)
        {
            crowd.Hub.Fail(LocalHub.FileTarget(HubTestRun.Repo, name), new Fault { StallAfter = 100 });
        }

        crowd.Options = crowd.Options with { Parallel = 3, StallTimeout = TimeSpan.FromSeconds(20) };
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var progress = new Callback(value =>
        {
            if (value.DoneBytes == 300)
            {
                cancel.CancelAfter(100);
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => crowd.PullAsync(progress: progress, cancellation: cancel.Token));
        Assert.Equal(3, crowd.Hub.Requests.Count(request => request.Target.EndsWith(".safetensors", StringComparison.Ordinal)));
    }

    private sealed class Callback(Action<HubProgress> report) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => report(value);
    }
}
