namespace MiniMaxSharp.Inference;

/// <summary>How tokens are drawn and when a generation stops. The defaults are those that the MiniMax-M1 report recommends.</summary>
public sealed record SamplingParams
{
    /// <summary>Most stop strings that one request may give.</summary>
    public const int MaxStopStrings = 64;

    /// <summary>Most alternatives that are reported per token.</summary>
    public const int MaxTopLogProbs = 20;

    /// <summary>Divides the logits. Below 1e-5 the most likely token is taken.</summary>
    public double Temperature { get; init; } = 1.0;

    /// <summary>Keeps the smallest set of tokens whose probability reaches this; 1 is off, 0 keeps the most likely one.</summary>
    public double TopP { get; init; } = 0.95;

    /// <summary>Keeps this many tokens; 0 or -1 is off.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps tokens at least this times as probable as the most likely one; 0 is off.</summary>
    public double MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens that stand in the prompt or were generated; 1 is off.</summary>
    public double RepetitionPenalty { get; init; } = 1.0;

    /// <summary>Taken off the logits of tokens that were generated.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Taken off the logits of generated tokens, once per occurrence.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of single tokens, before the penalties.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Seed of the random draws; null takes one from the system.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Texts that end the generation and are left out of it.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Token ids that end the generation, besides the model's own end token.</summary>
    public IReadOnlyList<int> StopTokenIds { get; init; } = [];

    /// <summary>Goes on after the model's end token.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>End and stop tokens are not drawn before this many tokens.</summary>
    public int MinTokens { get; init; }

    /// <summary>Most tokens to generate; null goes on to the end of the context, 0 only runs the prompt.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Tokens of thinking after which a closing message is forced; null is off.</summary>
    public int? ThinkingBudget { get; init; }

    /// <summary>Stops after this many tokens in a row that were all but certain; 0 is off. The report uses 3000.</summary>
    public int RepetitionStopCount { get; init; }

    /// <summary>Probability above which a token counts as all but certain.</summary>
    public double RepetitionStopProbability { get; init; } = 0.99;

    /// <summary>Reports the log-probability of each token.</summary>
    public bool LogProbs { get; init; }

    /// <summary>Reports this many most likely alternatives per token, 0 to 20.</summary>
    public int TopLogProbs { get; init; }

    /// <summary>True when the most likely token is taken without a draw.</summary>
    public bool IsGreedy => Temperature < 1e-5;

    /// <summary>True when some rule needs the probability of the drawn token.</summary>
    internal bool NeedsLogProb => LogProbs || TopLogProbs > 0 || RepetitionStopCount > 0;

    /// <summary>Checks every field.</summary>
    /// <exception cref="InvalidInputException">A field is out of its range; the message names both.</exception>
    public void Validate()
    {
        Require(Temperature is >= 0 and <= 100, "temperature", Temperature, "from 0 to 100");
        Require(TopP is >= 0 and <= 1, "top_p", TopP, "from 0 to 1");
        Require(TopK >= -1, "top_k", TopK, "-1 or 0 (off), or more");
        Require(MinP is >= 0 and <= 1, "min_p", MinP, "from 0 to 1");
        Require(RepetitionPenalty is > 0 and <= 100, "repetition_penalty", RepetitionPenalty, "above 0 and at most 100");
        Require(PresencePenalty is >= -2 and <= 2, "presence_penalty", PresencePenalty, "from -2 to 2");
        Require(FrequencyPenalty is >= -2 and <= 2, "frequency_penalty", FrequencyPenalty, "from -2 to 2");
        foreach (var (id, bias) in LogitBias ?? new Dictionary<int, float>())
        {
            Require(id >= 0, "logit_bias", id, "given for token ids from 0");
            Require(bias is >= -100 and <= 100, $"logit_bias of token {id}", bias, "from -100 to 100");
        }

        Require(Stop.Count <= MaxStopStrings, "the number of stop strings", Stop.Count, $"at most {MaxStopStrings}");
        Require(Stop.All(text => text.Length > 0), "a stop string", "empty", "of one character or more");
        Require(StopTokenIds.All(id => id >= 0), "a stop token id", StopTokenIds.FirstOrDefault(id => id < 0), "0 or more");
        Require(MaxTokens is null or >= 0, "max_tokens", MaxTokens, "0 or more");
        Require(MinTokens >= 0 && MinTokens <= (MaxTokens ?? int.MaxValue), "min_tokens", MinTokens, "from 0 to max_tokens");
        Require(ThinkingBudget is null or >= 0, "thinking_token_budget", ThinkingBudget, "0 or more");
        Require(RepetitionStopCount >= 0, "repetition_stop_count", RepetitionStopCount, "0 (off) or more");
        Require(RepetitionStopProbability is >= 0 and < 1, "repetition_stop_probability", RepetitionStopProbability, "from 0 to below 1");
        Require(TopLogProbs is >= 0 and <= MaxTopLogProbs, "top_logprobs", TopLogProbs, $"from 0 to {MaxTopLogProbs}");
    }

    // Each range is written so that NaN fails it.
    private static void Require(bool fits, string name, object? value, string range)
    {
        if (!fits)
        {
            throw new InvalidInputException(FormattableString.Invariant($"{name} is {value}; it must be {range}."));
        }
    }
}
