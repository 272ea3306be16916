namespace MiniMaxSharp.Inference;

/// <summary>A radix tree over token runs.</summary>
internal sealed class PrefixTree
{
    /// <summary>The empty prefix.</summary>
    public PrefixNode Root { get; private set; } = new(null, default, 0);

    /// <summary>Tokens on all edges.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Follows <paramref name="tokens"/> as far as they are known: the last point whose edge is entered, and the number of tokens matched.</summary>
    public (PrefixNode Node, int Matched) Walk(ReadOnlySpan<int> tokens)
    {
        var node = Root;
        var matched = 0;
        while (matched == node.End && matched < tokens.Length && node.Children.TryGetValue(tokens[matched], out var child))
        {
            matched += child.Edge.Span.CommonPrefixLength(tokens[matched..]);
            node = child;
        }

        return (node, matched);
    }

    /// <summary>The point at the end of <paramref name="tokens"/>, made where there is none: edges are split and added.</summary>
    public PrefixNode Add(ReadOnlySpan<int> tokens)
    {
        var (node, matched) = Walk(tokens);
        if (matched < node.End)
        {
            node = Split(node, matched);
        }

        if (matched == tokens.Length)
        {
            return node;
        }

        var leaf = new PrefixNode(node, tokens[matched..].ToArray(), tokens.Length);
        TokenCount += leaf.Edge.Length;
        node.Children.Add(tokens[matched], leaf);
        return leaf;
    }

    /// <summary>Takes away a point without children or states, and those before it that become so.</summary>
    public void Prune(PrefixNode node)
    {
        while (node.Parent is { } parent && node.Children.Count == 0 && !node.HasState)
        {
            parent.Children.Remove(node.Edge.Span[0]);
            TokenCount -= node.Edge.Length;
            node = parent;
        }
    }

    /// <summary>Every point, in no order.</summary>
    public IEnumerable<PrefixNode> All()
    {
        var open = new Stack<PrefixNode>([Root]);
        while (open.TryPop(out var node))
        {
            foreach (var child in node.Children.Values)
            {
                open.Push(child);
            }

            yield return node;
        }
    }

    /// <summary>Empties the tree.</summary>
    public void Clear()
    {
        Root = new PrefixNode(null, default, 0);
        TokenCount = 0;
    }

    private static PrefixNode Split(PrefixNode node, int at)
    {
        var parent = node.Parent!;
        var cut = at - parent.End;
        var middle = new PrefixNode(parent, node.Edge[..cut], at) { LastUse = node.LastUse };
        parent.Children[node.Edge.Span[0]] = middle;
        node.Edge = node.Edge[cut..];
        node.Parent = middle;
        middle.Children.Add(node.Edge.Span[0], node);
        return middle;
    }
}
