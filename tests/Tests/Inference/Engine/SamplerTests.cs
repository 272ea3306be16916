using System.Runtime.Intrinsics;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class SamplerTests
{
    private static readonly SamplingParams plain = new() { TopP = 1, Seed = 1 };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(7, 5)]
    [InlineData(64, 63)]
    [InlineData(257, 257)]
    [InlineData(700, 640)]
    [InlineData(3000, 2900)]
    public void The_fast_draw_equals_the_reference(int vocabulary, int usable)
    {
        var random = new Random(vocabulary);
        for (var round = 0; round < 60; round++)
        {
            var logits = RandomLogits(random, vocabulary);
            var parameters = RandomParams(random, usable) with { Seed = (ulong)round };
            var prompt = Enumerable.Range(0, 5).Select(_ => random.Next(usable)).ToArray();
            var sampler = new Sampler(parameters, vocabulary, usable, prompt, endIds: usable > 3 ? [1] : []);
            var draws = new SamplingRandom((ulong)round);
            var generated = new List<int>();
            for (var step = 0; step < 6; step++)
            {
                int[] banned = usable > 3 && step < parameters.MinTokens ? [1] : [];
                var expected = Sampler.SampleReference(logits, parameters, usable, prompt, generated, banned, parameters.IsGreedy ? 0 : draws.NextDouble());
                var before = logits.ToArray();
                var token = sampler.Sample(logits);
                Assert.True(expected == token.Id, $"V={vocabulary} round {round} step {step} {parameters}: {token.Id} instead of {expected}");
                Assert.Equal(before, logits);
                generated.Add(token.Id);
            }
        }
    }

    [Theory]
    [InlineData(0.95, 0, 0, 1.0)]
    [InlineData(0.5, 0, 0, 0.6)]
    [InlineData(1.0, 0, 0, 1.0)]
    [InlineData(1.0, 1000, 0, 1.0)]
    [InlineData(0.9, 150_000, 0, 3.0)]
    [InlineData(0.9, 50, 1e-3, 1.0)]
    [InlineData(0.999999, 0, 0, 5.0)]
    public void It_equals_the_reference_at_the_size_of_the_real_vocabulary(double topP, int topK, double minP, double temperature)
    {
        var random = new Random(3);
        var logits = new float[200_064];
        foreach (ref var logit in logits.AsSpan())
        {
            logit = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 8);
        }

        var parameters = new SamplingParams { TopP = topP, TopK = topK, MinP = minP, Temperature = temperature, Seed = 9, LogProbs = true };
        var sampler = new Sampler(parameters, logits.Length, 200_035);
        var draws = new SamplingRandom(9);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Sampler.SampleReference(logits, parameters, 200_035, [], [], [], draws.NextDouble()), sampler.Sample(logits).Id);
        }
    }

    [Fact]
    public void Frequencies_follow_the_probabilities()
    {
        float[] logits = [0, 1, 2, -1, 0.5f, float.NegativeInfinity];
        var total = logits.Sum(l => Math.Exp(l / 0.8));
        var sampler = new Sampler(plain with { Temperature = 0.8, Seed = 42 }, logits.Length, logits.Length);
        const int draws = 200_000;
        var counts = new int[logits.Length];
        for (var i = 0; i < draws; i++)
        {
            counts[sampler.Sample(logits).Id]++;
        }

        Assert.Equal(0, counts[5]);
        var chiSquare = logits.Take(5).Select((l, i) => (Expected: draws * Math.Exp(l / 0.8) / total, Got: counts[i])).Sum(x => (x.Got - x.Expected) * (x.Got - x.Expected) / x.Expected);
        Assert.True(chiSquare < 18.5, $"chi-square {chiSquare:f1} with 4 degrees of freedom (0.1 % lies above 18.5)");
    }

    [Fact]
    public void Log_probabilities_are_those_of_the_raw_logits_over_all_ids()
    {
        float[] logits = [1, 3, 2, 3, -5, 6, 4];
        var parameters = plain with { Temperature = 0, LogitBias = new Dictionary<int, float> { [2] = 50 }, RepetitionPenalty = 1.5, TopLogProbs = 3 };
        var token = new Sampler(parameters, 7, 5, [1]).Sample(logits);
        var logSum = Math.Log(logits.Sum(l => Math.Exp(l)));
        Assert.Equal(2, token.Id);
        Assert.Equal(2 - logSum, token.LogProb!.Value, 12);
        Assert.Equal([1, 3, 2], token.TopLogProbs!.Select(t => t.Id));
        Assert.Equal(3 - logSum, token.TopLogProbs![0].LogProb, 12);
    }

    [Fact]
    public void More_alternatives_than_tokens_are_all_tokens() =>
        Assert.Equal([2, 0, 1], new Sampler(plain with { TopLogProbs = 20 }, 4, 3).Sample([0, -1, 5, 9]).TopLogProbs!.Select(t => t.Id));

    [Fact]
    public void Log_probabilities_are_given_only_when_asked_for() =>
        Assert.Equal((null, null), (new Sampler(plain, 2, 2).Sample([0, 1]).LogProb, new Sampler(plain with { LogProbs = true }, 2, 2).Sample([0, 1]).TopLogProbs));

    [Fact]
    public void Greedy_takes_the_lowest_of_equal_ids() => Assert.Equal(1, new Sampler(plain with { Temperature = 0 }, 5, 5).Sample([0, 7, 7, 1, 7]).Id);

    [Theory]
    [InlineData(0.0, 0, 0.0)]
    [InlineData(1e-12, 0, 0.0)]
    [InlineData(1.0, 1, 0.0)]
    [InlineData(1.0, 0, 1.0)]
    public void The_tightest_limits_leave_the_best_token(double topP, int topK, double minP)
    {
        var sampler = new Sampler(new SamplingParams { TopP = topP, TopK = topK, MinP = minP, Temperature = 50, Seed = 5 }, 300, 300);
        var logits = Enumerable.Range(0, 300).Select(i => i == 123 ? 1.01f : i / 300f).ToArray();
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(123, sampler.Sample(logits).Id);
        }
    }

    [Fact]
    public void Limits_beyond_the_vocabulary_limit_nothing()
    {
        var logits = RandomLogits(new Random(2), 500);
        var all = new Sampler(plain, 500, 500);
        var wide = new Sampler(plain with { TopK = 1_000_000 }, 500, 500);
        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(all.Sample(logits).Id, wide.Sample(logits).Id));
    }

    [Theory]
    [InlineData(1.0, 0, 1.0)]
    [InlineData(0.95, 0, 1.0)]
    [InlineData(0.95, 40, 100.0)]
    public void One_token_that_is_left_is_drawn(double topP, int topK, double temperature)
    {
        var logits = new float[600];
        Array.Fill(logits, float.NegativeInfinity);
        logits[431] = -50;
        logits[590] = 100;
        var sampler = new Sampler(new SamplingParams { TopP = topP, TopK = topK, Temperature = temperature, LogProbs = true }, 600, 590);
        Assert.All(Enumerable.Range(0, 20), _ => Assert.Equal(431, sampler.Sample(logits).Id));
    }

    [Fact]
    public void Unusable_ids_are_never_drawn()
    {
        var sampler = new Sampler(new SamplingParams { Seed = 1 }, 10, 6);
        float[] logits = [0, 0, 0, 0, 0, 0, 90, 90, 90, 90];
        Assert.All(Enumerable.Range(0, 200), _ => Assert.InRange(sampler.Sample(logits).Id, 0, 5));
    }

    [Fact]
    public void End_tokens_are_not_drawn_before_min_tokens()
    {
        var sampler = new Sampler(plain with { Temperature = 0, MinTokens = 3, StopTokenIds = [2] }, 4, 4, endIds: [1]);
        float[] logits = [0, 9, 8, 1];
        Assert.Equal([3, 3, 3, 1], Enumerable.Range(0, 4).Select(_ => sampler.Sample(logits).Id));
    }

    [Fact]
    public void Penalties_count_what_was_generated_and_accepted()
    {
        var sampler = new Sampler(plain with { Temperature = 0, FrequencyPenalty = 1, PresencePenalty = 0.5 }, 3, 3, [2]);
        float[] logits = [3, 1, 0];
        sampler.Accept(0, logits);
        Assert.Equal([0, 1, 1], new[] { sampler.Sample(logits).Id, sampler.Sample([3, 1, 0.4f]).Id, sampler.Sample([3, 2.4f, 0]).Id });
        Assert.Equal(4, sampler.GeneratedCount);
    }

    [Fact]
    public void The_same_seed_gives_the_same_tokens_and_another_seed_others()
    {
        var logits = RandomLogits(new Random(4), 1000);
        int[] Run(ulong? seed) => [.. Enumerable.Repeat(new Sampler(plain with { Seed = seed }, 1000, 1000), 30).Select(s => s.Sample(logits).Id)];
        Assert.Equal(Run(7), Run(7));
        Assert.NotEqual(Run(7), Run(8));
        Assert.NotEqual(Run(null), Run(null));
        var unseeded = new Sampler(plain with { Seed = null }, 1000, 1000);
        Assert.Equal(Run(unseeded.Seed), Enumerable.Range(0, 30).Select(_ => unseeded.Sample(logits).Id));
    }

    [Fact]
    public void The_tokens_of_a_seed_are_fixed_for_ever()
    {
        var logits = Enumerable.Range(0, 1000).Select(i => i * 7919 % 1000 / 200f).ToArray();
        var sampler = new Sampler(new SamplingParams { Seed = 2025 }, 1000, 1000);
        Assert.Equal(FixedTokens, Enumerable.Range(0, 8).Select(_ => sampler.Sample(logits).Id));
    }

    private static int[] FixedTokens => [791, 483, 409, 559, 963, 236, 508, 439];

    [Fact]
    public void The_random_numbers_are_xoshiro256_starstar_seeded_by_splitmix64()
    {
        var random = new SamplingRandom(0);
        Assert.Equal([0x99EC5F36CB75F2B4, 0xBF6E1F784956452A, 0x1A5F849D4933E6E0], new[] { random.NextBits(), random.NextBits(), random.NextBits() });
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(float.NaN, 299)]
    [InlineData(float.NaN, 305)]
    [InlineData(float.PositiveInfinity, 17)]
    public void Broken_logits_are_refused_with_the_token(float value, int at)
    {
        var logits = new float[310];
        logits[at] = value;
        var error = Assert.Throws<InvalidOperationException>(() => new Sampler(plain, 310, 300).Sample(logits));
        Assert.Contains($"token {at} ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Having_no_token_left_is_an_error_and_leaves_the_logits()
    {
        float[] logits = [float.NegativeInfinity, 1];
        Assert.Throws<InvalidOperationException>(() => new Sampler(plain with { MinTokens = 1 }, 2, 2, endIds: [1]).Sample(logits));
        Assert.Equal(1, logits[1]);
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_refused()
    {
        Assert.Throws<InvalidInputException>(() => new Sampler(plain, 5, 5, [5]));
        Assert.Throws<InvalidInputException>(() => new Sampler(plain with { LogitBias = new Dictionary<int, float> { [5] = 1 } }, 5, 5));
        Assert.Throws<ArgumentException>(() => new Sampler(plain, 5, 5).Sample(new float[4]));
    }

    [Fact]
    public void Drawing_does_not_allocate_after_warm_up()
    {
        var logits = RandomLogits(new Random(6), 5000);
        var samplers = new[]
        {
            new Sampler(plain, 5000, 5000), new Sampler(new SamplingParams { TopP = 0.9, LogProbs = true, Seed = 1 }, 5000, 5000),
            new Sampler(new SamplingParams { TopK = 30, RepetitionPenalty = 1.1, Temperature = 0.7, Seed = 1 }, 5000, 5000, [1, 2, 3]),
        };
        foreach (var sampler in samplers)
        {
            for (var i = 0; i < 300; i++)
            {
                sampler.Sample(logits);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 20; i++)
            {
                sampler.Sample(logits);
            }

            // New distinct tokens may grow the table of counts.
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
        }
    }

    [Fact]
    public void The_exponential_is_exact_to_the_last_digits_and_equal_in_both_forms()
    {
        var random = new Random(8);
        Assert.Equal(1.0, SamplingExp.Exp(0));
        Assert.Equal(0.0, SamplingExp.Exp(double.NegativeInfinity));
        Assert.Equal(0.0, SamplingExp.Exp(-709));
        for (var i = 0; i < 100_000; i++)
        {
            var x = -Math.Pow(random.NextDouble(), 3) * 700;
            var exact = Math.Exp(x);
            Assert.True(Math.Abs(SamplingExp.Exp(x) - exact) <= 3e-15 * exact, $"exp({x:r}) = {SamplingExp.Exp(x):r} instead of {exact:r}");
            var four = SamplingExp.Exp(Vector256.Create(x, double.NegativeInfinity, 0, x * 1.5));
            Assert.Equal([SamplingExp.Exp(x), 0, 1, SamplingExp.Exp(x * 1.5)], new[] { four[0], four[1], four[2], four[3] });
        }
    }

    private static float[] RandomLogits(Random random, int count)
    {
        var spread = Math.Pow(10, (random.NextDouble() * 3) - 1);
        var grid = random.Next(3) == 0 ? 0.5 : 0;
        var logits = new float[count];
        foreach (ref var logit in logits.AsSpan())
        {
            var value = (random.NextDouble() - random.NextDouble()) * spread;
            logit = (float)(grid > 0 ? Math.Round(value / grid) * grid : value);
            logit = random.Next(50) == 0 ? float.NegativeInfinity : logit;
        }

        logits[random.Next(Math.Max(1, count * 3 / 5))] = 0;
        return logits;
    }

    private static SamplingParams RandomParams(Random random, int usable)
    {
        var penalised = random.Next(2) == 0;
        return new SamplingParams
        {
            Temperature = random.Next(6) == 0 ? 0 : 0.05 + (random.NextDouble() * 3),
            TopP = random.Next(3) == 0 ? 1 : random.NextDouble(),
            TopK = random.Next(2) == 0 ? 0 : random.Next(1, usable + 2),
            MinP = random.Next(3) == 0 ? random.NextDouble() * 0.3 : 0,
            RepetitionPenalty = penalised ? 0.7 + random.NextDouble() : 1,
            PresencePenalty = penalised ? (random.NextDouble() * 4) - 2 : 0,
            FrequencyPenalty = penalised ? (random.NextDouble() * 4) - 2 : 0,
            LogitBias = random.Next(3) == 0 ? new Dictionary<int, float> { [random.Next(usable)] = random.Next(-100, 100), [usable - 1] = 2.5f } : null,
            MinTokens = random.Next(4),
            LogProbs = random.Next(2) == 0,
            TopLogProbs = random.Next(3),
        };
    }
}
