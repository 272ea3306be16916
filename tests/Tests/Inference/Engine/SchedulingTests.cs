using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests.Inference.Engine;

public sealed class SchedulingTests : IDisposable
{
    private readonly EngineRun run = new();
    private readonly EngineRun solo = new(new EngineOptions { CacheMode = PrefixCacheMode.Off });

    public void Dispose()
    {
        run.Dispose();
        solo.Dispose();
    }

    [Fact]
    public void Concurrent_requests_equal_the_same_requests_alone_with_cancellations_between()
    {
        var random = new Random(11);
        for (var round = 0; round < 12; round++)
        {
            var count = random.Next(1, 17);
            var requests = Enumerable.Range(0, count).Select(i => RandomRequest(random, (round * 16) + i)).ToArray();
            var running = new List<(GenerationRequest Request, RunningRequest Running, bool Cancelled)>();
            foreach (var request in requests)
            {
                running.Add((request, run.Submit(request), random.Next(4) == 0));
                for (var step = random.Next(4); step > 0; step--)
                {
                    run.Engine.Step();
                }

                var stopped = running[random.Next(running.Count)];
                if (stopped.Cancelled)
                {
                    stopped.Running.Cancel();
                }
            }

            run.Drain();
            foreach (var (request, submitted, cancelled) in running.Where(item => !item.Cancelled))
            {
                Assert.Equal(solo.Answer(request).Answer, Assert.Single(EngineRun.Answers(submitted)));
            }

            Assert.Equal(0, run.Engine.RequestCount);
        }
    }

    [Fact]
    public void Decoding_goes_on_beside_the_prefill_of_another()
    {
        var first = run.Submit(EngineRun.Request(EngineRun.Tokens(3, 1), tokens: 20));
        run.Engine.Step();
        var second = run.Submit(EngineRun.Request(EngineRun.Tokens(1500, 2), tokens: 3));
        var before = first.CompletionTokens;
        for (var steps = 0; second.CompletionTokens == 0; steps++)
        {
            run.Engine.Step();
            Assert.Equal(before + steps + 1, first.CompletionTokens);
        }

        Assert.True(first.CompletionTokens > 4);
        run.Drain();
    }

    [Fact]
    public void Cancelling_in_mid_prefill_ends_the_request_at_the_next_step_and_harms_nobody()
    {
        var request = EngineRun.Request(EngineRun.Tokens(2000, 1));
        var other = EngineRun.Request(EngineRun.Tokens(1900, 1));
        var cancelled = run.Submit(request);
        run.Engine.Step();
        run.Engine.Step();
        cancelled.Cancel();
        var next = run.Submit(other);
        run.Drain();
        Assert.Equal(FinishReason.Cancelled, Assert.Single(EngineRun.Answers(cancelled)).Reason);
        Assert.Equal(solo.Answer(other).Answer, Assert.Single(EngineRun.Answers(next)));
        Assert.True(next.CachedTokens >= 512); // What was prefilled before the cancellation is not lost.
    }

    [Fact]
    public void A_higher_priority_takes_the_slot_and_the_other_goes_on_later_with_the_same_bits()
    {
        using var one = new EngineRun(new EngineOptions { MaxRunning = 1 });
        var (low, high) = (EngineRun.Request(EngineRun.Tokens(40, 1), tokens: 12), EngineRun.Request(EngineRun.Tokens(50, 2)) with { Priority = 1 });
        var first = one.Submit(low);
        for (var i = 0; i < 5; i++)
        {
            one.Engine.Step();
        }

        var second = one.Submit(high);
        for (var i = 0; i < 6; i++)
        {
            one.Engine.Step();
        }

        Assert.Equal(5, first.CompletionTokens);
        Assert.Equal(6, second.CompletionTokens);
        one.Drain();
        Assert.Equal(1, one.Engine.Preemptions);
        Assert.Equal(solo.Answer(low).Answer, Assert.Single(EngineRun.Answers(first)));
        Assert.Equal(solo.Answer(high).Answer, Assert.Single(EngineRun.Answers(second)));
    }

    [Theory]
    [InlineData(PrefixCacheMode.Off)]
    [InlineData(PrefixCacheMode.Exact)]
    public void Answers_that_lost_their_states_for_want_of_memory_are_replayed_bit_for_bit(PrefixCacheMode mode)
    {
        var config = solo.Engine.Loaded.Config;
        var limit = MiniMaxM1.RunBytes(config, 1024, 512, solo.Engine.Loaded.Model.KeyValueType) + solo.Engine.Loaded.Model.StateBytes(256);
        using var tight = new EngineRun(new EngineOptions { CacheMode = mode }, new ModelOptions { Threads = 1, MemoryLimit = limit });
        var requests = Enumerable.Range(0, 4).Select(i => EngineRun.Request(EngineRun.Tokens(200 + (i * 150), i), tokens: 120, seed: (ulong)i)).ToArray();
        var running = requests.Select(tight.Submit).ToArray();
        tight.Drain();
        Assert.True(tight.Engine.Preemptions > 0);
        for (var i = 0; i < requests.Length; i++)
        {
            Assert.Equal(solo.Answer(requests[i]).Answer, Assert.Single(EngineRun.Answers(running[i])));
        }
    }

    [Fact]
    public void Several_answers_share_one_prefill_and_each_equals_its_own_request()
    {
        using var few = new EngineRun(new EngineOptions { MaxRunning = 3, CacheMode = PrefixCacheMode.Off });
        var request = EngineRun.Request(EngineRun.Tokens(700, 1), tokens: 10, seed: 5) with { Count = 5 };
        var running = few.Submit(request);
        var steps = few.Drain();
        Assert.Equal(2 + (2 * 9), steps); // two steps of prefill, then three and two answers side by side
        var answers = EngineRun.Answers(running);
        Assert.Equal(5, answers.Length);
        for (var i = 0; i < 5; i++)
        {
            var alone = request with { Count = 1, Sampling = request.Sampling with { Seed = 5UL + (ulong)i } };
            Assert.Equal(solo.Answer(alone).Answer, answers[i]);
        }

        Assert.Equal(50, running.CompletionTokens);
    }

    [Fact]
    public void A_request_that_takes_too_long_ends_also_while_it_waits()
    {
        var clock = new TestClock();
        using var timed = new EngineRun(new EngineOptions { MaxRunning = 1, Time = clock });
        var first = timed.Submit(EngineRun.Request([1, 2, 3], tokens: 50) with { Timeout = TimeSpan.FromSeconds(5) });
        var second = timed.Submit(EngineRun.Request([1, 2, 3], tokens: 50) with { Timeout = TimeSpan.FromSeconds(2) });
        var third = timed.Submit(EngineRun.Request([1, 2, 3], tokens: 5));
        timed.Engine.Step();
        clock.Advance(TimeSpan.FromSeconds(3));
        timed.Engine.Step();
        Assert.Equal(FinishReason.TimedOut, Assert.Single(EngineRun.Answers(second)).Reason);
        Assert.Equal(2, first.CompletionTokens);
        clock.Advance(TimeSpan.FromSeconds(3));
        timed.Drain();
        Assert.Equal(FinishReason.TimedOut, Assert.Single(EngineRun.Answers(first)).Reason);
        Assert.Equal(FinishReason.Length, Assert.Single(EngineRun.Answers(third)).Reason);
        Assert.Equal(TimeSpan.FromSeconds(6), third.QueueTime);
    }

    [Fact]
    public void The_queue_is_bounded_and_has_room_again()
    {
        using var small = new EngineRun(new EngineOptions { MaxRunning = 1, MaxWaiting = 2 });
        var running = Enumerable.Range(0, 3).Select(_ => small.Submit(EngineRun.Request([1, 2]))).ToList();
        Assert.Equal(2, Assert.Throws<QueueFullException>(() => small.Submit(EngineRun.Request([1, 2]))).Limit);
        running[2].Cancel();
        small.Engine.Step();
        running.Add(small.Submit(EngineRun.Request([1, 2])));
        small.Drain();
        Assert.Equal(0, small.Engine.RequestCount);
        Assert.Equal(3, running.Count(item => EngineRun.Answers(item)[0].Reason == FinishReason.Length));
    }

    [Fact]
    public async Task The_engines_own_thread_serves_many_callers_and_ends_with_it()
    {
        var engine = InferenceEngine.Open(RandomTiny.Folder, new ModelOptions { Threads = 1 });
        var requests = Enumerable.Range(0, 12).Select(i => EngineRun.Request(EngineRun.Tokens(20 * (i + 1), i), seed: (ulong)i)).ToArray();
        var completions = await Task.WhenAll(requests.Select(request => engine.Generate(request.Prompt, request.Sampling, TestContext.Current.CancellationToken).AsTask()));
        for (var i = 0; i < requests.Length; i++)
        {
            Assert.Equal(solo.Answer(requests[i]).Answer.Ids, string.Join(' ', completions[i].Tokens));
        }

        var open = engine.Submit(EngineRun.Request([1, 2, 3], tokens: 4000));
        engine.Dispose();
        Assert.Equal(FinishReason.Cancelled, Assert.Single(EngineRun.Answers(open)).Reason);
        Assert.Throws<ObjectDisposedException>(() => engine.Submit(requests[0]));
    }

    [Fact]
    public void Finished_requests_leave_nothing_behind()
    {
        using var small = new EngineRun(new EngineOptions { CacheBytes = 4 << 20 });
        var requests = AnswerMany(small);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.Equal(0, requests.SkipLast(1).Count(request => request.IsAlive));
    }

    // A method of its own, so that no local keeps a request alive.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static List<WeakReference> AnswerMany(EngineRun run)
    {
        var requests = new List<WeakReference>();
        for (var i = 0; i < 60; i++)
        {
            requests.Add(new WeakReference(run.Answer(EngineRun.Request(EngineRun.Tokens(300, i), tokens: 2, seed: (ulong)i)).Request));
            Assert.True(run.Engine.CacheByteCount <= 4 << 20);
        }

        return requests;
    }

    private static GenerationRequest RandomRequest(Random random, int seed)
    {
        int[] prompt = [.. EngineRun.Tokens(random.Next(0, 600), random.Next(2)), .. EngineRun.Tokens(random.Next(1, 100), seed)];
        return EngineRun.Request(prompt, random.Next(1, 12), (ulong)seed) with { Priority = random.Next(3) };
    }

    private sealed class TestClock : TimeProvider
    {
        private TimeSpan now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now.Ticks + 1;

        public void Advance(TimeSpan by) => now += by;
    }
}
