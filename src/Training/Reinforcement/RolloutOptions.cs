using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>How a <see cref="RolloutEngine"/> generates.</summary>
public sealed record RolloutOptions
{
    /// <summary>Workers, each a thread with sequences of its own; 0 is one per CPU.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Answers that one worker decodes side by side. 0 takes 18 to 126: as many as have together as many bytes of states as the model has weights. A step
    /// reads both once; with more answers the states leave the cache, with fewer the weights are read too often.
    /// </summary>
    public int MaxRunning { get; init; }

    /// <summary>Tokens that end an answer. They belong to it and are in the loss.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>Ids that have a token; ids from here on are never drawn. 0 is the whole vocabulary.</summary>
    public int UsableVocabulary { get; init; }

    /// <summary>Stops after this many tokens in a row that were all but certain (early truncation); the report's is 3000, 0 is off.</summary>
    public int RepetitionStopCount { get; init; }

    /// <summary>Probability above which a token counts as all but certain.</summary>
    public double RepetitionStopProbability { get; init; } = 0.99;

    /// <summary>How the matrices are stored, embedding, head and routers aside.</summary>
    public RolloutWeights Weights { get; init; }

    /// <summary>How the head computes; F32 makes roll-out and training probabilities agree.</summary>
    public HeadPrecision Head { get; init; }

    /// <summary>Records the experts of each token, so that the trainer can take the same.</summary>
    public bool RecordRoutes { get; init; }

    /// <summary>How keys and values are stored; F32 makes roll-out and training probabilities agree.</summary>
    public Kernels.KeyValueType KeyValueType { get; init; } = Kernels.KeyValueType.F32;
}

/// <summary>A prompt and the answers that are wanted of it.</summary>
/// <param name="Prompt">Token ids, at least one.</param>
/// <param name="Seeds">One answer is drawn for each seed.</param>
public sealed record RolloutRequest(int[] Prompt, ulong[] Seeds)
{
    /// <summary>Most tokens of each answer; null is the limit of the call.</summary>
    public int? MaxTokens { get; init; }
}

/// <summary>One answer. T tokens, with the one that ended it.</summary>
/// <param name="Tokens">Ids [T].</param>
/// <param name="Logprobs">Log-probabilities [T] in the whole distribution at temperature 1.</param>
/// <param name="StopReason">Why it ended.</param>
/// <param name="PolicyVersion">Version of the weights that drew it.</param>
public sealed record RolloutAnswer(int[] Tokens, float[] Logprobs, FinishReason StopReason, long PolicyVersion)
{
    /// <summary>Experts [P + T − 1, L, K] of the tokens that ran, largest weight first; the last token never runs. Null where they are not recorded.</summary>
    public byte[]? Routes { get; init; }
}

/// <summary>Weights of roll-outs.</summary>
public enum RolloutWeights
{
    /// <summary>Those of the trainer.</summary>
    F32,

    /// <summary>Quantised, inputs of products too, as the engine runs such files; rows that are no multiple of 32 stay in f32.</summary>
    Q8_0,
}

/// <summary>Precision of the head (report 3.2).</summary>
public enum HeadPrecision
{
    /// <summary>f32 throughout.</summary>
    F32,

    /// <summary>Inputs, weights and logits rounded to bfloat16.</summary>
    Bf16,
}
