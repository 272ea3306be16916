using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>The bounds of an episode.</summary>
public sealed record EpisodeOptions
{
    /// <summary>Most messages of the policy; TAU-bench takes 40.</summary>
    public int MaxTurns { get; init; } = 40;

    /// <summary>Most tokens after the prompt, those of tools and users included.</summary>
    public int MaxTokens { get; init; } = 4096;
}

/// <summary>
/// Plays one episode of an environment and keeps the exact tokens: what the policy generated is never tokenised a second time. The tokens of
/// the policy, with the token that ends its turn, are in the loss; all else is not. Its earlier thinking stays in its context.
/// </summary>
public sealed class Episode
{
    private const string EndOfTurn = "<end_of_sentence>";

    private readonly IEnvironment environment;
    private readonly Generate generate;
    private readonly Tokenizer tokenizer;
    private readonly SamplingParams sampling;
    private readonly EpisodeOptions options;
    private readonly int endId;
    private readonly Conversation start;
    private readonly int[] prompt;
    private readonly List<int> tokens = [];
    private readonly List<int> lossMask = [];
    private readonly List<float> logprobs = [];
    private readonly List<RolloutMessage> messages = [];
    private int turns;

    private Episode(IEnvironment environment, Generate generate, Tokenizer tokenizer, SamplingParams sampling, EpisodeOptions options)
    {
        this.environment = environment;
        this.generate = generate;
        this.tokenizer = tokenizer;
        this.sampling = sampling;
        this.options = options;
        endId = tokenizer.TryGetSpecial(EndOfTurn, out var id) ? id : throw new InvalidInputException($"The tokenizer has no token {EndOfTurn}, which ends a turn. Use the tokenizer of a MiniMax-M1 model.");
        start = environment.Start();
        prompt = ChatPrompt.Encode(start, tokenizer, ReasoningHistory.Keep);
    }

    /// <summary>
    /// Plays an episode. The roll-out is not scored yet; its step, group and sample are 0, for the caller to set. A failure of the environment
    /// or the source of answers is its <see cref="Rollout.Error"/>.
    /// </summary>
    /// <param name="environment">A fresh environment.</param>
    /// <param name="generate">The policy. Where its tokens end with the token that ends a turn, that token's log-probability is known and it is in the loss.</param>
    /// <param name="tokenizer">The tokenizer of the policy.</param>
    /// <param name="sampling">How each turn is drawn; turn i draws with a seed of its own.</param>
    /// <param name="options">The bounds.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static async Task<Rollout> Run(
        IEnvironment environment, Generate generate, Tokenizer tokenizer, SamplingParams sampling, EpisodeOptions options, CancellationToken cancellationToken = default)
    {
        var episode = new Episode(environment, generate, tokenizer, sampling, options);
        try
        {
            var reason = await episode.Play(cancellationToken).ConfigureAwait(false);
            return episode.Finish(reason, null);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            return episode.Finish(StopReasons.Cancelled, exception.Message); // The boundary of a roll-out.
        }
    }

    private async Task<string> Play(CancellationToken cancellationToken)
    {
        while (true)
        {
            var room = options.MaxTokens - tokens.Count;
            if (turns == options.MaxTurns || room < 1)
            {
                return room < 1 ? StopReasons.Length : StopReasons.TurnLimit;
            }

            var completion = await generate((int[])[.. prompt, .. tokens], TurnSampling(room), cancellationToken).ConfigureAwait(false);
            Add(completion);
            if (StopReasons.Of(completion.FinishReason) is var reason && reason != StopReasons.Stop)
            {
                return reason;
            }

            var said = ChatStreamParser.Parse(completion.Text, callIdPrefix: $"call_{turns}_");
            var next = await environment.Respond(said, cancellationToken).ConfigureAwait(false);
            if (next.Count == 0)
            {
                return StopReasons.Stop;
            }

            Add(next);
        }
    }

    /// <summary>The policy's turn, ended by the token that ends a turn where it came to its end.</summary>
    private void Add(Completion completion)
    {
        turns++;
        var hasLogprobs = completion.LogProbs.Count == completion.Tokens.Count;
        for (var i = 0; i < completion.Tokens.Count; i++)
        {
            Add(completion.Tokens[i], hasLogprobs, hasLogprobs ? (float)completion.LogProbs[i] : 0);
        }

        if (StopReasons.Of(completion.FinishReason) == StopReasons.Stop && (tokens.Count == 0 || tokens[^1] != endId))
        {
            Add(endId, inLoss: false, 0); // Its log-probability is not known.
        }

        messages.Add(new RolloutMessage("assistant", completion.Text));
    }

    /// <summary>Tool results and users: the rest of the frame of the last turn, their messages, and the header of the next turn.</summary>
    private void Add(IReadOnlyList<ChatMessage> next)
    {
        messages.AddRange(next.Select(message => new RolloutMessage(message.Role, message.Content.ToString())));
        var rendered = ChatRenderer.Render(new Conversation(next), ChatDialect.Repaired);
        ChatSegment[] segments = [new ChatSegment("\n", ChatSegmentKind.Plain, InLoss: false), .. rendered.Segments.Skip(1)]; // Without the start of the document.
        foreach (var id in ChatTokenizer.Tokenize(rendered with { Segments = segments }, tokenizer).Ids)
        {
            Add(id, inLoss: false, 0);
        }
    }

    private void Add(int id, bool inLoss, float logprob)
    {
        tokens.Add(id);
        lossMask.Add(inLoss ? 1 : 0);
        logprobs.Add(logprob);
    }

    private SamplingParams TurnSampling(int room) => sampling with
    {
        LogProbs = true,
        MaxTokens = Math.Min(sampling.MaxTokens ?? int.MaxValue, room),
        Seed = sampling.Seed is { } seed ? unchecked(seed + ((ulong)turns * 0x9E3779B97F4A7C15)) : null,
    };

    private Rollout Finish(string reason, string? error)
    {
        var reply = messages.LastOrDefault(message => message.Role == "assistant")?.Text ?? "";
        var (reasoning, answer) = FinalAnswer.Split(reply);
        return new Rollout
        {
            Step = 0,
            Group = 0,
            Sample = 0,
            Task = environment.Task,
            Level = environment.Level,
            Prompt = environment.Prompt,
            PromptText = string.Join("\n\n", start.Messages.Select(message => message.Content.ToString())),
            PromptTokens = prompt,
            Tokens = [.. tokens],
            LossMask = lossMask.TrueForAll(mask => mask == 1) ? null : [.. lossMask],
            Logprobs = [.. logprobs],
            Reply = reply,
            Reasoning = reasoning,
            Answer = answer,
            Messages = messages.Count > 1 ? [.. messages] : null,
            StopReason = reason,
            Error = error,
        };
    }
}
