using static System.FormattableString;

namespace MiniMaxSharp.Inference;

/// <summary>The waits between the attempts of one file or request: 1, 2, 4 … 60 s, of which half is random, or what the server asks for.</summary>
internal sealed class RetrySchedule(HubOptions options, string subject)
{
    private static readonly TimeSpan longestWish = TimeSpan.FromHours(1);
    private int failures;

    /// <summary>The last attempt brought something: earlier failures no longer count.</summary>
    public void Reset() => failures = 0;

    /// <summary>Waits for the next attempt.</summary>
    /// <exception cref="HubException">There is none: too many failures, or too long a wait.</exception>
    public async Task WaitAsync(TransientFailure failure, CancellationToken cancellationToken)
    {
        failures++;
        if (failures >= options.MaxAttempts)
        {
            throw new HubException(Invariant($"{subject}: given up after {failures} attempts: {failure.Message} ")
                + "What was received is kept; run the same command again to resume.", failure);
        }

        if (failure.RetryAfter > longestWish)
        {
            throw new HubException(Invariant($"{subject}: {failure.Message} The server asks to wait {failure.RetryAfter.Value.TotalHours:0.0} hours. ")
                + "Run the same command again then; a token may raise the limit.", failure);
        }

        var backoff = Math.Min(60, Math.Pow(2, failures - 1)) * (0.5 + (0.5 * options.Jitter()));
        var wait = failure.RetryAfter is { } wish ? wish + TimeSpan.FromSeconds(options.Jitter()) : TimeSpan.FromSeconds(backoff);
        options.Note?.Invoke(Invariant($"{subject}: {failure.Message} Attempt {failures + 1} of {options.MaxAttempts} in {wait.TotalSeconds:0.0} s."));
        await Task.Delay(wait, options.Time, cancellationToken).ConfigureAwait(false);
    }
}
