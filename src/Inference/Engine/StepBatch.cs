using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>What one step runs: chunk i belongs to answer i. Kept from step to step, so that a step allocates nothing.</summary>
internal sealed class StepBatch
{
    private readonly List<SequenceChunk> chunks = [];
    private readonly List<AnswerSequence> answers = [];
    private readonly List<int> lastRows = [];
    private int rows;

    /// <summary>Chunks for <see cref="MiniMaxM1.Forward"/>.</summary>
    public ReadOnlySpan<SequenceChunk> Chunks => CollectionsMarshal.AsSpan(chunks);

    /// <summary>Their answers.</summary>
    public IReadOnlyList<AnswerSequence> Answers => answers;

    /// <summary>The last row of each chunk.</summary>
    public IReadOnlyList<int> LastRows => lastRows;

    /// <summary>Tokens of the step.</summary>
    public int Rows => rows;

    /// <summary>Empties the batch.</summary>
    public void Clear()
    {
        chunks.Clear();
        answers.Clear();
        lastRows.Clear();
        rows = 0;
    }

    /// <summary>The step runs an answer up to token <paramref name="end"/>.</summary>
    public void Add(AnswerSequence answer, int end)
    {
        var tokens = answer.TokensTo(end);
        chunks.Add(new SequenceChunk(answer.State!, tokens));
        answers.Add(answer);
        rows += tokens.Length;
        lastRows.Add(rows - 1);
    }
}
