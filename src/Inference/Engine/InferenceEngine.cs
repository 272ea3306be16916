using System.Text;
using MiniMaxSharp.Kernels;

namespace MiniMaxSharp.Inference;

/// <summary>A finished generation.</summary>
/// <param name="Tokens">Ids, without the token that ended the turn.</param>
/// <param name="LogProbs">Log-probability of each id in the model's raw distribution; empty when not asked for.</param>
/// <param name="Text">The text, without a stop string.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="NumCachedTokens">Prompt tokens that did not run again.</param>
public sealed record Completion(IReadOnlyList<int> Tokens, IReadOnlyList<double> LogProbs, string Text, FinishReason FinishReason, int NumCachedTokens);

/// <summary>
/// A model with its tokenizer, ready to generate. Requests run side by side in common steps; none changes the result of another.
/// One thread runs the steps and sleeps when there is nothing to do.
/// </summary>
public sealed partial class InferenceEngine : IDisposable
{
    /// <summary>Text that is forced when the thinking budget is used up.</summary>
    public const string ThinkingClosing = "\n\nI have to stop thinking here and answer now.\n</think>\n\n";

    private const string EndOfTurn = "<end_of_sentence>";

    private readonly Lazy<TokenTrie> trie;

    private InferenceEngine(LoadedModel loaded, Tokenizer tokenizer, EngineOptions options)
    {
        Loaded = loaded;
        Tokenizer = tokenizer;
        Options = options;
        List<int> ends = tokenizer.TryGetSpecial(EndOfTurn, out var end) ? [end] : [];
        if (loaded.Config.EosTokenId is { } configured && !ends.Contains(configured))
        {
            ends.Add(configured);
        }

        EndIds = ends;
        ClosingIds = tokenizer.Encode(ThinkingClosing);
        trie = new Lazy<TokenTrie>(() => new TokenTrie(tokenizer, UsableVocabulary));
        maxRunning = RunningLimit(loaded.Model.MaxStepTokens, options);
        cache = OpenCache(loaded, options);
        scheduler = new Scheduler(loaded.Model, maxRunning, loaded.StateCapacity, cache);
    }

    /// <summary>The model.</summary>
    public LoadedModel Loaded { get; }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>How requests are scheduled and remembered.</summary>
    public EngineOptions Options { get; }

    /// <summary>Ids that end a turn.</summary>
    public IReadOnlyList<int> EndIds { get; }

    /// <summary>Ids of <see cref="ThinkingClosing"/>.</summary>
    internal int[] ClosingIds { get; }

    /// <summary>Held while a step runs.</summary>
    internal Lock StepGate { get; } = new();

    /// <summary>Ids that have a token; the rows of the vocabulary beyond are padding and are never sampled.</summary>
    internal int UsableVocabulary => Math.Min(Tokenizer.VocabularySize, Loaded.Config.VocabSize);

    /// <summary>Opens the checkpoint and the tokenizer in <paramref name="folder"/>.</summary>
    /// <exception cref="InvalidInputException">
    /// A file is missing or damaged, the tokenizer belongs to another model, or the options make a cache that could never give anything.
    /// </exception>
    public static InferenceEngine Open(string folder, ModelOptions? options = null, EngineOptions? engine = null)
    {
        var loaded = LoadedModel.Open(folder, options);
        try
        {
            var tokenizer = Tokenizer.Load(folder);
            if (tokenizer.VocabularySize > loaded.Config.VocabSize)
            {
                throw new InvalidInputException(
                    $"{folder}: the tokenizer has {tokenizer.VocabularySize:N0} ids, but the model has only {loaded.Config.VocabSize:N0} (vocab_size in config.json). "
                    + "The tokenizer files belong to another model; use those that came with the weights.");
            }

            return new InferenceEngine(loaded, tokenizer, engine ?? new EngineOptions());
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>A new, empty sequence.</summary>
    public Sequence CreateSequence() => new(Loaded.Model);

    /// <summary>
    /// Prepares a generation on <paramref name="sequence"/>; <see cref="Generation.Tokens"/> runs it on the caller's thread.
    /// Everything that can be refused is refused here.
    /// </summary>
    /// <param name="sequence">Its tokens are reused when the prompt continues them.</param>
    /// <param name="prompt">Token ids of the whole prompt.</param>
    /// <param name="sampling">How tokens are drawn and when the generation ends.</param>
    /// <param name="startsInReasoning">True when the prompt ends inside <c>&lt;think&gt;</c>.</param>
    /// <param name="grammar">What the answer is held to; its text begins behind the thinking.</param>
    /// <param name="grammarStart">Where the answer begins; null: inside the thinking where <paramref name="startsInReasoning"/> says so, else it may think.</param>
    /// <exception cref="InvalidInputException">The prompt is empty, has an unknown id, or does not fit; a parameter is out of range.</exception>
    public Generation Start(
        Sequence sequence, ReadOnlyMemory<int> prompt, SamplingParams sampling, bool startsInReasoning = false, Grammar? grammar = null,
        GrammarStart? grammarStart = null) =>
        new(this, sequence, prompt, Rules(prompt, sampling, startsInReasoning, Constrain(grammar, startsInReasoning, grammarStart)));

    /// <summary>Generates one answer.</summary>
    /// <exception cref="InvalidInputException">As for <see cref="Start"/>.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async ValueTask<Completion> Generate(ReadOnlyMemory<int> prompt, SamplingParams sampling, CancellationToken cancellationToken = default)
    {
        using var running = Submit(new GenerationRequest { Prompt = prompt, Sampling = sampling });
        var (ids, logProbs, text, reason) = (new List<int>(), new List<double>(), new StringBuilder(), FinishReason.Cancelled);
        await foreach (var (_, token, finishReason) in running.Events(cancellationToken).ConfigureAwait(false))
        {
            if (token.Id >= 0)
            {
                ids.Add(token.Id);
            }

            if (token.LogProb is { } logProb)
            {
                logProbs.Add(logProb);
            }

            text.Append(token.Text);
            reason = finishReason ?? reason;
        }

        return new Completion(ids, logProbs, text.ToString(), reason, running.CachedTokens);
    }

    private static int RunningLimit(int maxStepTokens, EngineOptions options)
    {
        var most = maxStepTokens - LightningAttention.BlockTokens;
        if (most < 1 || options.MaxRunning < 1 || options.MaxRunning > most || options.MaxWaiting < 0)
        {
            throw new InvalidInputException(
                $"A step of {maxStepTokens} tokens cannot hold one token of each of {options.MaxRunning ?? 1} running answers beside a block of {LightningAttention.BlockTokens} tokens of a prompt, "
                + "or a limit is below 1. Raise the step size, or lower the number of answers that run side by side.");
        }

        return options.MaxRunning ?? Math.Min(16, most);
    }

    /// <summary>The rules of an answer, after everything that can be refused was refused.</summary>
    private AnswerRules Rules(ReadOnlyMemory<int> prompt, SamplingParams sampling, bool startsInReasoning, GrammarConstraint? constraint)
    {
        if (prompt.IsEmpty)
        {
            throw new InvalidInputException("The prompt is empty. Give at least one token.");
        }

        var room = Loaded.Config.MaxPositionEmbeddings - prompt.Length;
        if (room < (sampling.MaxTokens == 0 ? 0 : 1))
        {
            throw new InvalidInputException(
                $"The prompt has {prompt.Length:N0} tokens, but the model takes at most {Loaded.Config.MaxPositionEmbeddings:N0} (max_position_embeddings). Shorten it.");
        }

        Loaded.CheckMemory(prompt.Length + (long)Math.Min(sampling.MaxTokens ?? 1, room));
        var sampler = new Sampler(sampling, Loaded.Config.VocabSize, UsableVocabulary, prompt.Span, EndIds);
        var limit = (int)Math.Min(Math.Min(sampling.MaxTokens ?? int.MaxValue, room), Loaded.TokensThatFit() - prompt.Length);
        return new AnswerRules(this, sampling, sampler, limit, startsInReasoning, constraint);
    }

    private GrammarConstraint? Constrain(Grammar? grammar, bool startsInReasoning, GrammarStart? start) =>
        grammar is null ? null : new(grammar.CreateMatcher(trie.Value, EndIds, start ?? (startsInReasoning ? GrammarStart.Thinking : GrammarStart.MayThink)));
}
