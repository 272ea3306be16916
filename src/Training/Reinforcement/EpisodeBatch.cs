using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Training;

/// <summary>One episode that is to be played.</summary>
/// <param name="Environment">A fresh environment.</param>
/// <param name="Group">Number of its prompt; the first turns of a group share their prefill.</param>
/// <param name="Sample">Its number within the group.</param>
/// <param name="Seed">Of all its draws.</param>
public sealed record EpisodeStart(IEnvironment Environment, int Group, int Sample, ulong Seed);

/// <summary>
/// Plays many episodes with one engine, turn by turn: when every episode that goes on asks for its next turn, all turns are drawn in common. What an
/// episode draws depends on its seed and its tokens alone.
/// </summary>
/// <param name="engine">The engine, with weights.</param>
/// <param name="tokenizer">Its tokenizer.</param>
/// <param name="options">Bounds of each episode.</param>
/// <param name="temperature">1 for training; below 1e-5 the most likely token is taken.</param>
public sealed class EpisodeBatch(RolloutEngine engine, Tokenizer tokenizer, EpisodeOptions options, double temperature = 1)
{
    /// <summary>The roll-outs of the episodes in their order, not scored yet.</summary>
    /// <exception cref="InvalidInputException">A prompt is empty or does not fit.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public Rollout[] Play(IReadOnlyList<EpisodeStart> starts, CancellationToken cancellationToken)
    {
        var players = starts.Select(start => new Player(start)).ToArray();
        var episodes = players.Select(player => Task.Run(() => player.Play(tokenizer, options, temperature, cancellationToken), cancellationToken)).ToArray();
        while (true)
        {
            var turns = Task.WhenAll(players.Select(static player => player.NextTurn)).WaitAsync(cancellationToken).GetAwaiter().GetResult().OfType<Turn>().ToArray();
            if (turns.Length == 0)
            {
                break;
            }

            Draw(turns, cancellationToken);
        }

        var rollouts = Task.WhenAll(episodes).GetAwaiter().GetResult();
        return [.. rollouts.Zip(players, (rollout, player) => rollout with
        {
            Group = player.Start.Group,
            Sample = player.Start.Sample,
            PolicyVersion = engine.PolicyVersion,
            Routes = player.Routes,
        })];
    }

    /// <summary>Draws one turn of each. A failure here is the engine's and ends the run; the episodes that wait are left behind.</summary>
    private void Draw(Turn[] turns, CancellationToken cancellationToken)
    {
        // Equal prompts of a group are one request.
        var shared = turns.GroupBy(static turn => turn.Player.Start.Group)
            .SelectMany(static group => group.GroupBy(turn => turn.MaySharePrefill(group.First()) ? 0 : turn.Player.Start.Sample + 1))
            .Select(static group => group.ToArray()).ToArray();
        var requests = shared.Select(static group => new RolloutRequest(group[0].Prompt.ToArray(), [.. group.Select(static turn => turn.Sampling.Seed!.Value)])
        {
            MaxTokens = group[0].Sampling.MaxTokens,
        }).ToArray();
        var answers = engine.Generate(requests, options.MaxTokens, temperature, cancellationToken);
        foreach (var (group, drawn) in shared.Zip(answers))
        {
            foreach (var (turn, answer) in group.Zip(drawn))
            {
                turn.Player.Routes = answer.Routes;
                turn.Player.Answer(turn, new Completion(
                    answer.Tokens, [.. answer.Logprobs.Select(static logprob => (double)logprob)], tokenizer.Decode(answer.Tokens, skipSpecial: true), answer.StopReason, 0));
            }
        }
    }

    /// <summary>A turn that an episode waits for.</summary>
    private sealed record Turn(Player Player, ReadOnlyMemory<int> Prompt, SamplingParams Sampling)
    {
        public TaskCompletionSource<Completion> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool MaySharePrefill(Turn other) => Sampling.MaxTokens == other.Sampling.MaxTokens && Prompt.Span.SequenceEqual(other.Prompt.Span);
    }

    /// <summary>One episode as the batch sees it: a row of turns.</summary>
    private sealed class Player(EpisodeStart start)
    {
        private TaskCompletionSource<Turn?> next = NewTurn();

        public EpisodeStart Start => start;

        /// <summary>Experts of all tokens up to the last turn, which ran them all.</summary>
        public byte[]? Routes { get; set; }

        /// <summary>The turn that it waits for; null when the episode is over.</summary>
        public Task<Turn?> NextTurn => next.Task;

        public async Task<Rollout> Play(Tokenizer tokenizer, EpisodeOptions options, double temperature, CancellationToken cancellationToken)
        {
            try
            {
                var sampling = new SamplingParams { Temperature = temperature, TopP = 1, Seed = start.Seed };
                return await Episode.Run(start.Environment, Ask, tokenizer, sampling, options, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                next.TrySetResult(null);
            }
        }

        /// <summary>Gives the episode its turn; from now on <see cref="NextTurn"/> is the one after it.</summary>
        public void Answer(Turn turn, Completion completion)
        {
            next = NewTurn();
            turn.Completion.SetResult(completion);
        }

        private static TaskCompletionSource<Turn?> NewTurn() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private async ValueTask<Completion> Ask(ReadOnlyMemory<int> prompt, SamplingParams sampling, CancellationToken cancellationToken)
        {
            var turn = new Turn(this, prompt, sampling);
            next.SetResult(turn);
            return await turn.Completion.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
