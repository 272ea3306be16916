using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Engine;

public sealed class SessionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("minimax-sessions-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Cached_prompts_survive_a_restart_bit_for_bit()
    {
        int[] prompt = EngineRun.Tokens(1100, 1);
        int[] next = [.. prompt, .. EngineRun.Tokens(400, 2)];
        using (var first = Open())
        {
            Assert.Equal(0, first.Answer(EngineRun.Request(prompt)).Request.CachedTokens);
            Assert.Equal(1024, first.Answer(EngineRun.Request(next)).Request.CachedTokens);
        }

        AnswerRecord cold;
        using (var none = new EngineRun(new EngineOptions { CacheMode = PrefixCacheMode.Off }))
        {
            cold = none.Answer(EngineRun.Request(next)).Answer;
        }

        using var second = Open();
        var (answer, running) = second.Answer(EngineRun.Request(next));
        Assert.Equal(1280, running.CachedTokens); // the file of 1,024 tokens and the one that continues it
        Assert.Equal(cold, answer);
    }

    [Fact]
    public void Mode_fast_stores_places_between_grid_lines_too()
    {
        int[] prompt = EngineRun.Tokens(300, 1);
        using (var first = Open(PrefixCacheMode.Fast))
        {
            first.Answer(EngineRun.Request(prompt));
        }

        using var second = Open(PrefixCacheMode.Fast);
        Assert.Equal(300, second.Answer(EngineRun.Request([.. prompt, 1, 2])).Request.CachedTokens);
        using var exact = Open();
        Assert.Equal(256, exact.Answer(EngineRun.Request([.. prompt, 1, 2])).Request.CachedTokens);
    }

    [Fact]
    public void A_file_cut_off_at_any_length_is_dropped()
    {
        var prompt = EngineRun.Tokens(300, 1);
        Store(prompt);
        var file = Assert.Single(Files());
        var whole = File.ReadAllBytes(file);
        using var none = new EngineRun(new EngineOptions { CacheMode = PrefixCacheMode.Off });
        var fingerprint = ModelFingerprint.Of(RandomTiny.Folder, none.Engine.Loaded.Options);
        using var state = none.Engine.Loaded.Model.CreateState();
        for (var length = 0; length < whole.Length; length += length < 2000 ? 1 : 977)
        {
            File.WriteAllBytes(file, whole[..length]);
            Assert.False(SessionFile.TryReadTokens(file, fingerprint, state, out _, out _));
        }

        File.WriteAllBytes(file, whole);
        Assert.True(SessionFile.TryReadTokens(file, fingerprint, state, out var tokens, out _));
        Assert.Equal(prompt[..256], tokens);
        File.WriteAllBytes(file, whole[..^1]);
        using var run = Open();
        Assert.Empty(Files());
    }

    [Fact]
    public void A_changed_bit_is_found_before_it_is_used()
    {
        var prompt = EngineRun.Tokens(300, 1);
        Store(prompt);
        var file = Assert.Single(Files());
        var bytes = File.ReadAllBytes(file);
        bytes[^1000] ^= 4;
        File.WriteAllBytes(file, bytes);
        using var run = Open();
        var (_, running) = run.Answer(EngineRun.Request(prompt));
        Assert.Equal(0, running.CachedTokens);
        Assert.StartsWith("damaged:", running.CacheMissReason, StringComparison.Ordinal);
        Assert.Equal(256, run.Answer(EngineRun.Request(prompt)).Request.CachedTokens);
    }

    [Fact]
    public void A_save_that_was_killed_leaves_nothing_behind_that_is_used()
    {
        Store(EngineRun.Tokens(300, 1));
        var file = Assert.Single(Files());
        var half = file + ".tmp";
        File.WriteAllBytes(half, File.ReadAllBytes(file)[..5000]);
        using var run = Open();
        Assert.False(File.Exists(half));
        Assert.Equal(256, run.Answer(EngineRun.Request(EngineRun.Tokens(300, 1))).Request.CachedTokens);
    }

    [Fact]
    public void A_file_that_continues_a_lost_one_is_not_used()
    {
        var prompt = EngineRun.Tokens(600, 1);
        Store(prompt[..300]);
        var first = Assert.Single(Files());
        Store(prompt);
        Assert.Equal(2, Files().Length);
        File.Delete(first);
        using var run = Open();
        Assert.Equal(0, run.Answer(EngineRun.Request(prompt)).Request.CachedTokens);
    }

    [Fact]
    public void The_folder_keeps_its_size_and_drops_what_was_unused_for_longest()
    {
        Store(EngineRun.Tokens(300, 1));
        var size = new FileInfo(Assert.Single(Files())).Length;
        using (var run = Open(bytes: 3 * size))
        {
            for (var i = 2; i < 8; i++)
            {
                run.Answer(EngineRun.Request(EngineRun.Tokens(300, i)));
            }
        }

        Assert.Equal(3, Files().Length);
        using var again = Open();
        Assert.Equal(256, again.Answer(EngineRun.Request(EngineRun.Tokens(300, 7))).Request.CachedTokens);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_refused_with_its_name()
    {
        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        Assert.Contains(file, Assert.Throws<InvalidInputException>(() => new EngineRun(new EngineOptions { SessionFolder = file })).Message, StringComparison.Ordinal);
    }

    private EngineRun Open(PrefixCacheMode mode = PrefixCacheMode.Exact, long bytes = 1 << 30) =>
        new(new EngineOptions { CacheMode = mode, SessionFolder = folder, SessionBytes = bytes });

    private void Store(int[] prompt)
    {
        using var run = Open();
        run.Answer(EngineRun.Request(prompt, tokens: 1));
    }

    private string[] Files() => Directory.GetFiles(folder, "*.state", SearchOption.AllDirectories);
}
