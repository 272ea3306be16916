namespace MiniMaxSharp.Inference;

/// <summary>The token ids of one sequence and the layer states that they left. It grows by a prompt, then by what is generated.</summary>
public sealed class Sequence : IDisposable
{
    private readonly MiniMaxM1 model;
    private readonly List<int> tokens = [];

    /// <summary>An empty sequence.</summary>
    public Sequence(MiniMaxM1 model)
    {
        this.model = model;
        State = model.CreateState();
    }

    /// <summary>The layer states.</summary>
    public SequenceState State { get; private set; }

    /// <summary>Ids that the states hold.</summary>
    public IReadOnlyList<int> Tokens => tokens;

    /// <summary>
    /// Makes the sequence a proper prefix of <paramref name="prompt"/>: it is kept when the prompt continues it, otherwise emptied,
    /// because a lightning state cannot be truncated. Returns the number of prompt tokens that need not run again.
    /// </summary>
    public int KeepPrefixOf(ReadOnlySpan<int> prompt)
    {
        var continues = prompt.Length > tokens.Count && prompt[..tokens.Count].SequenceEqual([.. tokens]);
        if (!continues)
        {
            State.Dispose();
            State = model.CreateState();
            tokens.Clear();
        }

        return tokens.Count;
    }

    /// <summary>Runs <paramref name="next"/> through the model in one step; <see cref="MiniMaxM1.Logits"/> then has their rows.</summary>
    /// <exception cref="InvalidInputException">A token id lies outside the vocabulary.</exception>
    public void Append(ReadOnlyMemory<int> next)
    {
        model.Forward([new SequenceChunk(State, next)]);
        tokens.AddRange(next.Span);
    }

    /// <inheritdoc/>
    public void Dispose() => State.Dispose();
}
