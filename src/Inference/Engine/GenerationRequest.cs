namespace MiniMaxSharp.Inference;

/// <summary>One thing that an engine is asked to generate. Requests run side by side; none changes the result of another.</summary>
public sealed record GenerationRequest
{
    /// <summary>Most answers to one prompt.</summary>
    public const int MaxCount = 128;

    /// <summary>Token ids of the whole prompt.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>How tokens are drawn and when an answer ends. Answer i draws with seed + i.</summary>
    public SamplingParams Sampling { get; init; } = new();

    /// <summary>True when the prompt ends inside <c>&lt;think&gt;</c>.</summary>
    public bool StartsInReasoning { get; init; }

    /// <summary>What the answers are held to; null for free text.</summary>
    public Grammar? Grammar { get; init; }

    /// <summary>Where the answers begin; null: inside the thinking where <see cref="StartsInReasoning"/> says so, else they may think.</summary>
    public GrammarStart? GrammarStart { get; init; }

    /// <summary>Answers to the same prompt; they share its prefill.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Higher runs first.</summary>
    public int Priority { get; init; }

    /// <summary>Time after which the request ends with <see cref="FinishReason.TimedOut"/>, waiting included; null is none.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>False: neither reads nor fills the prefix cache.</summary>
    public bool UsePrefixCache { get; init; } = true;

    /// <summary>
    /// Reports the log-probability of each prompt token, with this many likely alternatives; null is off. The whole prompt runs then: what the
    /// prefix cache knows is not used, but the prompt is known to later requests.
    /// </summary>
    public int? PromptLogProbs { get; init; }

    /// <summary>Prompt lengths at which a later request is likely to branch off: the end of system prompt and tools, explicit cache marks.</summary>
    public IReadOnlyList<int> CacheBreakpoints { get; init; } = [];
}

/// <summary>One step of one answer.</summary>
/// <param name="Choice">Which answer, from 0.</param>
/// <param name="Token">The token; id −1 for a last piece of text, or none.</param>
/// <param name="FinishReason">Why the answer ended, with its last event; null before.</param>
public readonly record struct GenerationEvent(int Choice, GeneratedToken Token, FinishReason? FinishReason);
