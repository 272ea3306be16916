namespace MiniMaxSharp.Inference;

/// <summary>A point of the prefix tree: the token run that leads to it, and the states there, in memory or in a session file.</summary>
internal sealed class PrefixNode(PrefixNode? parent, ReadOnlyMemory<int> edge, int end)
{
    /// <summary>The point before; null at the root.</summary>
    public PrefixNode? Parent { get; set; } = parent;

    /// <summary>Tokens from the parent to here.</summary>
    public ReadOnlyMemory<int> Edge { get; set; } = edge;

    /// <summary>Tokens from the root to here.</summary>
    public int End { get; } = end;

    /// <summary>Points that follow, by the first token of their edge.</summary>
    public Dictionary<int, PrefixNode> Children { get; } = [];

    /// <summary>The states after <see cref="End"/> tokens, never written to; null when there are none in memory.</summary>
    public SequenceState? State { get; set; }

    /// <summary>True when a session file holds the states.</summary>
    public bool IsStored { get; set; }

    /// <summary>True when a state was dropped here to save memory.</summary>
    public bool WasEvicted { get; set; }

    /// <summary>True when a later request is likely to go on from here, false for a point on the way.</summary>
    public bool IsLikely { get; set; }

    /// <summary>When it was used last, in lookups.</summary>
    public long LastUse { get; set; }

    /// <summary>True when a request could go on from here.</summary>
    public bool HasState => State is not null || IsStored;

    /// <summary>The nearest point before with states in memory; null when there is none.</summary>
    public PrefixNode? StateBefore
    {
        get
        {
            var node = Parent;
            while (node is not null && node.State is null)
            {
                node = node.Parent;
            }

            return node;
        }
    }

    /// <summary>All tokens from the root.</summary>
    public int[] Tokens()
    {
        var tokens = new int[End];
        for (var node = this; node.Parent is not null; node = node.Parent)
        {
            node.Edge.Span.CopyTo(tokens.AsSpan(node.Parent.End));
        }

        return tokens;
    }
}
