using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Engine;

public sealed class PrefixReuseTests : IDisposable
{
    private readonly EngineRun warm = new();
    private readonly EngineRun cold = new(new EngineOptions { CacheMode = PrefixCacheMode.Off });

    public void Dispose()
    {
        warm.Dispose();
        cold.Dispose();
    }

    [Fact]
    public void Two_hundred_conversations_with_random_split_points_are_bitwise_equal_warm_and_cold()
    {
        var random = new Random(7);
        var reused = 0;
        for (var conversation = 0; conversation < 200; conversation++)
        {
            var system = EngineRun.Tokens(random.Next(0, 500), seed: random.Next(3));
            int[] prompt = [.. system, .. EngineRun.Tokens(random.Next(1, 400), conversation)];
            for (var turn = 0; turn < 2; turn++)
            {
                var request = EngineRun.Request(prompt, tokens: 4, seed: (ulong)conversation) with { CacheBreakpoints = [random.Next(prompt.Length)] };
                var (answer, running) = warm.Answer(request);
                Assert.Equal(cold.Answer(request).Answer, answer);
                reused += running.CachedTokens;
                prompt = [.. prompt[..random.Next(1, prompt.Length + 1)], .. EngineRun.Tokens(random.Next(1, 200), turn)];
            }
        }

        Assert.True(reused > 200 * 100, $"only {reused} tokens were reused");
    }

    [Theory]
    [InlineData(1200, 1300, 1200, 1024)] // an appended turn
    [InlineData(1200, 1200, 600, 512)] // a branch
    [InlineData(1200, 1200, 1200, 1024)] // the same prompt
    [InlineData(1200, 900, 700, 512)] // the beginning shared with another conversation
    [InlineData(1280, 1280, 1280, 1024)] // one token has to run, so a prompt that ends on the grid goes back one block
    [InlineData(1280, 1281, 1280, 1280)]
    [InlineData(300, 300, 255, 0)]
    public void Everything_down_to_the_grid_is_reused(int first, int second, int shared, int expected)
    {
        var prompt = EngineRun.Tokens(first, seed: 1);
        int[] next = [.. prompt[..shared], .. EngineRun.Tokens(second - shared, seed: 2)];
        warm.Answer(EngineRun.Request(prompt));
        var (answer, running) = warm.Answer(EngineRun.Request(next));
        Assert.Equal(expected, running.CachedTokens);
        Assert.Equal(cold.Answer(EngineRun.Request(next)).Answer, answer);
    }

    [Fact]
    public void A_miss_says_why()
    {
        Assert.StartsWith("off:", Reason(cold, EngineRun.Tokens(600, 1)), StringComparison.Ordinal);
        Assert.StartsWith("short:", Reason(warm, EngineRun.Tokens(200, 1)), StringComparison.Ordinal);
        Assert.StartsWith("new:", Reason(warm, [255, .. EngineRun.Tokens(600, 3)]), StringComparison.Ordinal);
        Assert.Null(Reason(warm, [255, .. EngineRun.Tokens(600, 3)]));
        Assert.StartsWith("diverged:", Reason(warm, [255, .. EngineRun.Tokens(300, 3), .. EngineRun.Tokens(300, 4)]), StringComparison.Ordinal);
        var (_, running) = warm.Answer(EngineRun.Request(EngineRun.Tokens(600, 1)) with { UsePrefixCache = false });
        Assert.StartsWith("disabled:", running.CacheMissReason, StringComparison.Ordinal);
        Assert.Equal(0, running.CachedTokens);
    }

    [Fact]
    public void A_state_that_was_evicted_is_not_replaced_by_keys_and_values_alone()
    {
        var snapshot = warm.Engine.Loaded.Model.StateBytes(768);
        using var small = new EngineRun(new EngineOptions { CacheBytes = snapshot + (warm.Engine.Loaded.Model.StateBytes(0) * 3 / 2) });
        var prompt = EngineRun.Tokens(1100, seed: 1);
        small.Answer(EngineRun.Request(prompt));
        small.Answer(EngineRun.Request(EngineRun.Tokens(700, seed: 2)));
        Assert.True(small.Engine.CacheByteCount <= small.Engine.Options.CacheBytes);
        var (answer, running) = small.Answer(EngineRun.Request(prompt));
        Assert.True(running.CachedTokens < 1024);
        Assert.StartsWith("evicted:", running.CacheMissReason, StringComparison.Ordinal);
        Assert.Equal(cold.Answer(EngineRun.Request(prompt)).Answer, answer);
    }

    [Fact]
    public void Mode_fast_goes_on_after_the_answer_itself()
    {
        using var fast = new EngineRun(new EngineOptions { CacheMode = PrefixCacheMode.Fast });
        var prompt = EngineRun.Tokens(300, seed: 1);
        var (answer, _) = fast.Answer(EngineRun.Request(prompt));
        int[] next = [.. prompt, .. answer.Ids.Split(' ').Select(int.Parse), 1, 2, 3];
        var (_, running) = fast.Answer(EngineRun.Request(next));
        Assert.Equal(next.Length - 4, running.CachedTokens); // the last token of the answer had not run
    }

    [Fact]
    public void A_cache_that_can_never_give_anything_is_refused_at_start()
    {
        var error = Assert.Throws<InvalidInputException>(() => new EngineRun(new EngineOptions { CacheBytes = 1000 }));
        Assert.Contains("1,000", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => new EngineRun(new EngineOptions { CacheMode = PrefixCacheMode.Off, SessionFolder = "x" }));
    }

    [Fact]
    public void Changed_weights_forget_everything()
    {
        warm.Answer(EngineRun.Request(EngineRun.Tokens(600, 1)));
        Assert.True(warm.Engine.CacheByteCount > 0);
        warm.Engine.ClearPrefixCache();
        Assert.Equal(0, warm.Engine.CacheByteCount);
        Assert.Equal(0, warm.Answer(EngineRun.Request(EngineRun.Tokens(600, 1))).Request.CachedTokens);
    }

    private static string? Reason(EngineRun run, int[] prompt) => run.Answer(EngineRun.Request(prompt, tokens: 1)).Request.CacheMissReason;
}
