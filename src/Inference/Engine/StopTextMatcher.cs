using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Finds stop strings in text that arrives in pieces. Text that may be the start of a stop string is held back.
/// The stop string that is complete first wins, of two that end together the longer one. Linear time (Aho and Corasick).
/// </summary>
public sealed class StopTextMatcher
{
    private readonly List<Node> nodes = [new Node()];
    private readonly StringBuilder held = new();
    private int state;

    /// <summary>Makes a matcher for <paramref name="stops"/>; none are needed.</summary>
    public StopTextMatcher(IReadOnlyList<string> stops)
    {
        foreach (var stop in stops)
        {
            ArgumentException.ThrowIfNullOrEmpty(stop, nameof(stops));
            var node = 0;
            foreach (var c in stop)
            {
                node = nodes[node].Next.TryGetValue(c, out var next) ? next : AddNode(node, c);
            }

            nodes[node].Match = stop;
        }

        LinkFallbacks();
    }

    /// <summary>The stop string that was found; null as long as there is none.</summary>
    public string? Matched { get; private set; }

    /// <summary>
    /// Takes a piece of text and appends what can be given out to <paramref name="output"/>: never the stop string, never what follows it.
    /// </summary>
    /// <returns>True when a stop string has been found; further text is ignored then.</returns>
    public bool Push(ReadOnlySpan<char> text, StringBuilder output)
    {
        if (Matched is not null)
        {
            return true;
        }

        for (var i = 0; i < text.Length; i++)
        {
            state = Step(state, text[i]);
            if (nodes[state].Match is { } stop)
            {
                Matched = stop;
                held.Append(text[..(i + 1)]);
                output.Append(held, 0, held.Length - stop.Length);
                held.Clear();
                return true;
            }
        }

        held.Append(text);
        var sure = held.Length - nodes[state].Depth;
        output.Append(held, 0, sure);
        held.Remove(0, sure);
        return false;
    }

    /// <summary>The text has ended: gives out what was held back.</summary>
    public void Finish(StringBuilder output)
    {
        output.Append(held);
        held.Clear();
        state = 0;
    }

    private int Step(int from, char c)
    {
        while (true)
        {
            if (nodes[from].Next.TryGetValue(c, out var next))
            {
                return next;
            }

            if (from == 0)
            {
                return 0;
            }

            from = nodes[from].Fallback;
        }
    }

    private int AddNode(int parent, char c)
    {
        nodes.Add(new Node { Depth = nodes[parent].Depth + 1 });
        return nodes[parent].Next[c] = nodes.Count - 1;
    }

    /// <summary>Breadth first: the fallback of a node is the longest proper suffix that begins a stop string.</summary>
    private void LinkFallbacks()
    {
        var queue = new Queue<int>([0]);
        while (queue.TryDequeue(out var parent))
        {
            foreach (var (c, child) in nodes[parent].Next)
            {
                var fallback = parent == 0 ? 0 : Step(nodes[parent].Fallback, c);
                nodes[child].Fallback = fallback;
                nodes[child].Match ??= nodes[fallback].Match;
                queue.Enqueue(child);
            }
        }
    }

    private sealed class Node
    {
        public Dictionary<char, int> Next { get; } = [];

        public int Depth { get; init; }

        public int Fallback { get; set; }

        public string? Match { get; set; }
    }
}
