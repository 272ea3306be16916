using System.Diagnostics;
using System.Globalization;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>Draws and judges the groups of a step: bounded dynamic sampling, rewards side by side with time-outs, the overlong penalty.</summary>
/// <param name="run">The recipe.</param>
/// <param name="engine">The engine, with weights.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="source">The prompts.</param>
public sealed class RolloutCollector(RlRun run, RolloutEngine engine, Tokenizer tokenizer, RlPromptSource source)
{
    private readonly Lock promptGate = new(); // With a staleness, prompts are drawn while others are observed.

    /// <summary>The groups of a step.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="window">Most tokens of an answer.</param>
    /// <param name="cancellationToken">The caller gave up.</param>
    public RolloutBatch Collect(long step, int window, CancellationToken cancellationToken)
    {
        var (all, kept, rounds) = (new List<RolloutGroup>(), new List<RolloutGroup>(), 0);
        var (rolloutTime, rewardTime) = (TimeSpan.Zero, TimeSpan.Zero);
        while (kept.Count < run.PromptsPerStep && rounds < (run.DynamicSampling ? run.MaxSamplingRounds : 1))
        {
            rounds++;
            var started = Stopwatch.GetTimestamp();
            var numbers = Enumerable.Range(all.Count, run.PromptsPerStep - kept.Count).ToArray();
            var prompts = Prompts(step, numbers);
            var seeds = numbers.Select(number => Enumerable.Range(0, run.GroupSize).Select(sample => RolloutSeed.Of(run.Seed, 0, step, number, sample)).ToArray()).ToArray();
            var answers = engine.Generate([.. prompts.Zip(seeds, static (prompt, seed) => new RolloutRequest(prompt.Tokens, seed))], window, 1, cancellationToken);
            rolloutTime += Stopwatch.GetElapsedTime(started);
            started = Stopwatch.GetTimestamp();
            var groups = Judge(prompts, answers, run.OverlongCache > 0 ? new OverlongPenalty(window, run.OverlongCache) : null, all.Count, cancellationToken);
            rewardTime += Stopwatch.GetElapsedTime(started);
            all.AddRange(groups);
            kept.AddRange(run.DynamicSampling || run.FilterFlatGroups ? groups.Where(static group => !group.IsFlat) : groups);
        }

        return new RolloutBatch(step, kept, all, engine.PolicyVersion, rounds, window, rolloutTime, rewardTime);
    }

    /// <summary>The source learns from the groups of a step.</summary>
    public void Observe(RolloutBatch batch)
    {
        lock (promptGate)
        {
            source.Observe?.Invoke(batch.Step, batch.All);
        }
    }

    /// <summary>Judges the answers of prompts; the groups are numbered from <paramref name="first"/>.</summary>
    public RolloutGroup[] Judge(IReadOnlyList<RlPrompt> prompts, RolloutAnswer[][] answers, OverlongPenalty? overlong, int first, CancellationToken cancellationToken)
    {
        var judged = Task.WhenAll(prompts.Zip(answers, (prompt, group) => Task.WhenAll(group.Select((answer, sample) => Judge(prompt, answer, sample, overlong, cancellationToken)))))
            .GetAwaiter().GetResult();
        return [.. prompts.Select((prompt, i) => new RolloutGroup(first + i, prompt, judged[i]))];
    }

    private RlPrompt[] Prompts(long step, int[] numbers)
    {
        lock (promptGate)
        {
            return [.. numbers.Select(number => source.Training(step, number))];
        }
    }

    private async Task<JudgedAnswer> Judge(RlPrompt prompt, RolloutAnswer answer, int sample, OverlongPenalty? overlong, CancellationToken cancellationToken)
    {
        var text = tokenizer.Decode(answer.Tokens, skipSpecial: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // On a thread of its own, so that a judge that never awaits can be left behind.
            var terms = await Task.Run(() => prompt.Reward(text, stop.Token).AsTask(), stop.Token)
                .WaitAsync(TimeSpan.FromSeconds(run.RewardTimeout), cancellationToken).ConfigureAwait(false);
            var broken = terms.FirstOrDefault(static term => !double.IsFinite(term.Value));
            if (broken.Key is not null)
            {
                return Failed(string.Create(CultureInfo.InvariantCulture, $"{broken.Key} is {broken.Value}"));
            }

            var all = new Dictionary<string, double>(terms, StringComparer.Ordinal);
            if (overlong is not null)
            {
                all["overlong"] = overlong.Of(answer.Tokens.Length);
            }

            return new JudgedAnswer(answer, text, all, null) { Sample = sample };
        }
        catch (Exception exception) when (exception is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            return Failed(exception is TimeoutException ? string.Create(CultureInfo.InvariantCulture, $"no reward after {run.RewardTimeout} s") : exception.Message);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }

        JudgedAnswer Failed(string error) => new(answer, text, new Dictionary<string, double>(), error) { Sample = sample };
    }
}
