namespace MiniMaxSharp.Inference;

/// <summary>
/// One answer of a request on its way through the scheduler: its tokens, its layer states, and how far they have come.
/// The states lag behind the tokens by what is still to run. Without states (not begun, or pre-empted) it starts again: the prompt
/// in blocks, then each generated token in a step of its own, as the first time, so that the bits are the same.
/// </summary>
internal sealed class AnswerSequence : IDisposable
{
    private int[] tokens;

    /// <summary>An answer that has not begun.</summary>
    public AnswerSequence(RunningRequest running, int choice, long arrival, AnswerRules rules)
    {
        Running = running;
        Choice = choice;
        Arrival = arrival;
        Rules = rules;
        tokens = running.Request.Prompt.ToArray();
        Count = tokens.Length;
    }

    /// <summary>The request.</summary>
    public RunningRequest Running { get; }

    /// <summary>Number of the answer.</summary>
    public int Choice { get; }

    /// <summary>Number of the request in the order of admission.</summary>
    public long Arrival { get; }

    /// <summary>What is drawn and when it ends.</summary>
    public AnswerRules Rules { get; }

    /// <summary>Prompt tokens.</summary>
    public int PromptLength => Running.PromptTokens;

    /// <summary>Tokens of prompt and answer.</summary>
    public int Count { get; private set; }

    /// <summary>Tokens that the states hold.</summary>
    public int Position => State?.Position ?? 0;

    /// <summary>True while prompt tokens are to run.</summary>
    public bool InPrefill => Position < PromptLength;

    /// <summary>The layer states; null before the first step, and after they were dropped.</summary>
    public SequenceState? State { get; set; }

    /// <summary>Prompt lengths at which the states are saved for the prefix cache, ascending; <see cref="State"/> begins before them.</summary>
    public List<int> SnapshotPositions { get; } = [];

    /// <summary>Answers to the same prompt that begin when its prefill is done.</summary>
    public List<AnswerSequence> Followers { get; } = [];

    /// <summary>All tokens.</summary>
    public ReadOnlySpan<int> Tokens => tokens.AsSpan(0, Count);

    /// <summary>Who runs first: priority, then arrival, then number.</summary>
    public static int Compare(AnswerSequence a, AnswerSequence b) =>
        a.Running.Request.Priority != b.Running.Request.Priority ? b.Running.Request.Priority.CompareTo(a.Running.Request.Priority)
        : a.Arrival != b.Arrival ? a.Arrival.CompareTo(b.Arrival)
        : a.Choice.CompareTo(b.Choice);

    /// <summary>Tokens [Position, end).</summary>
    public ReadOnlyMemory<int> TokensTo(int end) => tokens.AsMemory(Position, end - Position);

    /// <summary>A token was drawn; it is to run next.</summary>
    public void Append(int id)
    {
        if (Count == tokens.Length)
        {
            Array.Resize(ref tokens, (Count * 2) + 64);
        }

        tokens[Count++] = id;
    }

    /// <summary>Drops the states; the tokens stay.</summary>
    public void Dispose()
    {
        State?.Dispose();
        State = null;
    }
}
