namespace MiniMaxSharp.Inference;

/// <summary>A finished generation.</summary>
/// <param name="Tokens">Ids, without the token that ended the turn.</param>
/// <param name="LogProbs">Log-probability of each id in the model's raw distribution; empty when not asked for.</param>
/// <param name="Text">The text, without a stop string.</param>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="NumCachedTokens">Prompt tokens that did not run again.</param>
public sealed record Completion(IReadOnlyList<int> Tokens, IReadOnlyList<double> LogProbs, string Text, FinishReason FinishReason, int NumCachedTokens);

/// <summary>A model with its tokenizer, ready to generate. One generation at a time.</summary>
public sealed class InferenceEngine : IDisposable
{
    /// <summary>Text that is forced when the thinking budget is used up.</summary>
    public const string ThinkingClosing = "\n\nI have to stop thinking here and answer now.\n</think>\n\n";

    private const string EndOfTurn = "<end_of_sentence>";

    private readonly Lazy<TokenTrie> trie;

    private InferenceEngine(LoadedModel loaded, Tokenizer tokenizer)
    {
        Loaded = loaded;
        Tokenizer = tokenizer;
        List<int> ends = tokenizer.TryGetSpecial(EndOfTurn, out var end) ? [end] : [];
        if (loaded.Config.EosTokenId is { } configured && !ends.Contains(configured))
        {
            ends.Add(configured);
        }

        EndIds = ends;
        ClosingIds = tokenizer.Encode(ThinkingClosing);
        trie = new Lazy<TokenTrie>(() => new TokenTrie(tokenizer, UsableVocabulary));
    }

    /// <summary>The model.</summary>
    public LoadedModel Loaded { get; }

    /// <summary>The tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Ids that end a turn.</summary>
    public IReadOnlyList<int> EndIds { get; }

    /// <summary>Ids of <see cref="ThinkingClosing"/>.</summary>
    internal int[] ClosingIds { get; }

    /// <summary>Ids that have a token; the rows of the vocabulary beyond are padding and are never sampled.</summary>
    internal int UsableVocabulary => Math.Min(Tokenizer.VocabularySize, Loaded.Config.VocabSize);

    /// <summary>Opens the checkpoint and the tokenizer in <paramref name="folder"/>.</summary>
    /// <exception cref="InvalidInputException">A file is missing or damaged, or the tokenizer belongs to another model.</exception>
    public static InferenceEngine Open(string folder, ModelOptions? options = null)
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

            return new InferenceEngine(loaded, tokenizer);
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
    /// Prepares a generation on <paramref name="sequence"/>; <see cref="Generation.Tokens"/> runs it. Everything that can be refused is refused here.
    /// </summary>
    /// <param name="sequence">Its tokens are reused when the prompt continues them.</param>
    /// <param name="prompt">Token ids of the whole prompt.</param>
    /// <param name="sampling">How tokens are drawn and when the generation ends.</param>
    /// <param name="startsInReasoning">True when the prompt ends inside <c>&lt;think&gt;</c>.</param>
    /// <param name="grammar">What the answer is held to; its text begins behind the thinking.</param>
    /// <param name="grammarStart">Where the answer begins; null: it may think, or does so already where <paramref name="startsInReasoning"/> says so.</param>
    /// <exception cref="InvalidInputException">The prompt is empty, has an unknown id, or does not fit; a parameter is out of range.</exception>
    public Generation Start(
        Sequence sequence, ReadOnlyMemory<int> prompt, SamplingParams sampling, bool startsInReasoning = false, Grammar? grammar = null,
        GrammarStart? grammarStart = null)
    {
        if (prompt.IsEmpty)
        {
            throw new InvalidInputException("The prompt is empty. Give at least one token.");
        }

        var room = Loaded.Config.MaxPositionEmbeddings - prompt.Length;
        if (room < 1)
        {
            throw new InvalidInputException(
                $"The prompt has {prompt.Length:N0} tokens, but the model takes at most {Loaded.Config.MaxPositionEmbeddings:N0} (max_position_embeddings). Shorten it.");
        }

        Loaded.CheckMemory(prompt.Length + (long)Math.Min(sampling.MaxTokens ?? 1, room));
        var sampler = new Sampler(sampling, Loaded.Config.VocabSize, UsableVocabulary, prompt.Span, EndIds);
        var limit = (int)Math.Min(Math.Min(sampling.MaxTokens ?? int.MaxValue, room), Loaded.TokensThatFit() - prompt.Length);
        return new Generation(this, sequence, prompt, sampling, sampler, limit, startsInReasoning, Constrain(grammar, startsInReasoning, grammarStart));
    }

    /// <summary>Generates in one call, on a thread of the pool.</summary>
    /// <exception cref="InvalidInputException">As for <see cref="Start"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async ValueTask<Completion> Generate(ReadOnlyMemory<int> prompt, SamplingParams sampling, CancellationToken cancellationToken = default)
    {
        using var sequence = CreateSequence();
        var generation = Start(sequence, prompt, sampling);
        var tokens = await Task.Run(() => generation.Tokens(cancellationToken).ToList(), cancellationToken).ConfigureAwait(false);
        return new Completion(
            [.. tokens.Where(token => token.Id >= 0).Select(token => token.Id)],
            [.. tokens.Where(token => token.LogProb is not null).Select(token => token.LogProb!.Value)],
            string.Concat(tokens.Select(token => token.Text)),
            generation.FinishReason!.Value,
            generation.NumCachedTokens);
    }

    /// <inheritdoc/>
    public void Dispose() => Loaded.Dispose();

    private GrammarConstraint? Constrain(Grammar? grammar, bool startsInReasoning, GrammarStart? start) =>
        grammar is null ? null : new(grammar.CreateMatcher(trie.Value, EndIds, start ?? (startsInReasoning ? GrammarStart.Thinking : GrammarStart.MayThink)));
}
