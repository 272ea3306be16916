using System.Globalization;

namespace MiniMaxSharp.Tasks;

/// <summary>Runs the rewards of roll-outs side by side, each with a time-out. The boundary of graders: nothing that they throw passes it.</summary>
/// <param name="timeout">Most time of one reward of one roll-out; judges that ask a model need more than verifiers.</param>
/// <param name="parallelism">Rewards that run at a time.</param>
public sealed class RewardScoring(TimeSpan timeout, int parallelism = 16)
{
    private readonly SemaphoreSlim running = new(parallelism);

    /// <summary>Scores one roll-out: its terms, their sum, and what failed.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<Rollout> Score(Rollout rollout, IReadOnlyList<Reward> rewards, CancellationToken cancellationToken = default)
    {
        var outcomes = await Task.WhenAll(rewards.Select(reward => Call(reward, rollout, cancellationToken))).ConfigureAwait(false);
        RewardTerm[] terms = [.. outcomes.Select(outcome => outcome.Term).OfType<RewardTerm>()];
        return rollout with
        {
            Rewards = terms,
            Reward = terms.Sum(term => term.Value),
            Error = rollout.Error ?? outcomes.Select(outcome => outcome.Error).FirstOrDefault(error => error is not null),
        };
    }

    /// <summary>Scores many roll-outs; the result has their order.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public Task<Rollout[]> ScoreAll(IEnumerable<(Rollout Rollout, IReadOnlyList<Reward> Rewards)> rollouts, CancellationToken cancellationToken = default) =>
        Task.WhenAll(rollouts.Select(item => Score(item.Rollout, item.Rewards, cancellationToken)));

    private async Task<(RewardTerm? Term, string? Error)> Call(Reward reward, Rollout rollout, CancellationToken cancellationToken)
    {
        await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // On a thread of its own, so that a reward that never awaits can be left behind.
            var value = await Task.Run(() => reward.Value(rollout, stop.Token).AsTask(), stop.Token).WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
            return double.IsFinite(value) ? (new RewardTerm(reward.Name, reward.Weight * value), null) : (null, $"{reward.Name}: the value is {value.ToString(CultureInfo.InvariantCulture)}");
        }
        catch (TimeoutException)
        {
            return (null, string.Create(CultureInfo.InvariantCulture, $"{reward.Name}: no value after {timeout.TotalSeconds:0.###} s"));
        }
        catch (Exception exception) when (exception is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            return (null, $"{reward.Name}: {exception.Message}");
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            running.Release();
        }
    }
}
