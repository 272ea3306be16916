using System.Runtime.InteropServices;

namespace MiniMaxSharp.Inference;

/// <summary>
/// A deterministic automaton over bytes. State 0 is the beginning; every state can be reached and can still reach an accepting one,
/// so whoever follows its edges never runs into a dead end.
/// </summary>
internal sealed class ByteDfa
{
    /// <summary>States of one expression.</summary>
    private const int MaxStates = 20_000;

    private ByteDfa(List<ByteEdge[]> edges, List<bool> accepting)
    {
        Edges = edges;
        Accepting = accepting;
    }

    /// <summary>Edges by state, in the order of their bytes.</summary>
    public IReadOnlyList<ByteEdge[]> Edges { get; }

    /// <summary>Whether the text may end in a state.</summary>
    public IReadOnlyList<bool> Accepting { get; }

    /// <summary>The automaton of an expression that the whole text has to match; null when no text does.</summary>
    /// <exception cref="InvalidInputException">It needs too many states.</exception>
    public static ByteDfa? Of(RegexNode expression, ByteForm form, CompileBudget budget, string where)
    {
        var nfa = new ByteNfa(form, budget, where);
        var start = nfa.AddState();
        var end = nfa.Add(expression, start);
        return new SubsetConstruction(nfa, end, budget, where).Run(start);
    }

    /// <summary>The texts that both take; null when there is none.</summary>
    public ByteDfa? Intersect(ByteDfa other, CompileBudget budget, string where) => Combine(other, budget, where, subtract: false);

    /// <summary>The texts that this one takes and the other does not; null when there is none.</summary>
    public ByteDfa? Subtract(ByteDfa other, CompileBudget budget, string where) => Combine(other, budget, where, subtract: true);

    /// <summary>Whether a text is taken.</summary>
    public bool Accepts(ReadOnlySpan<byte> text)
    {
        var state = 0;
        foreach (var value in text)
        {
            var at = Array.FindIndex(Edges[state], edge => value >= edge.Lo && value <= edge.Hi);
            if (at < 0)
            {
                return false;
            }

            state = Edges[state][at].Target;
        }

        return Accepting[state];
    }

    private ByteDfa? Combine(ByteDfa other, CompileBudget budget, string where, bool subtract)
    {
        var ids = new Dictionary<(int, int), int> { [(0, 0)] = 0 };
        var pairs = new List<(int A, int B)> { (0, 0) };
        var edges = new List<ByteEdge[]>();
        var accepting = new List<bool>();
        for (var i = 0; i < pairs.Count; i++)
        {
            var (a, b) = pairs[i];
            accepting.Add(Accepting[a] && (b >= 0 && other.Accepting[b]) != subtract);
            var mine = new List<ByteEdge>();
            foreach (var (lo, hi, nextA, nextB) in Overlaps(Edges[a], b < 0 ? [] : other.Edges[b]))
            {
                if (nextB < 0 && !subtract)
                {
                    continue;
                }

                ref var id = ref CollectionsMarshal.GetValueRefOrAddDefault(ids, (nextA, nextB), out var known);
                if (!known)
                {
                    id = pairs.Count;
                    pairs.Add((nextA, nextB));
                    RequireFew(pairs.Count, where);
                }

                mine.Add(new ByteEdge(lo, hi, id));
            }

            budget.Spend(10 + Edges[a].Length + mine.Count, where);
            edges.Add([.. mine]);
        }

        return Trim(edges, accepting);
    }

    private static IEnumerable<(byte Lo, byte Hi, int A, int B)> Overlaps(ByteEdge[] mine, ByteEdge[] others)
    {
        foreach (var edge in mine)
        {
            var next = (int)edge.Lo;
            foreach (var other in others)
            {
                if (other.Hi < next || other.Lo > edge.Hi)
                {
                    continue;
                }

                if (other.Lo > next)
                {
                    yield return ((byte)next, (byte)(other.Lo - 1), edge.Target, -1);
                }

                var hi = Math.Min(edge.Hi, other.Hi);
                yield return (Math.Max((byte)next, other.Lo), hi, edge.Target, other.Target);
                next = hi + 1;
            }

            if (next <= edge.Hi)
            {
                yield return ((byte)next, edge.Hi, edge.Target, -1);
            }
        }
    }

    private static void RequireFew(int states, string where)
    {
        if (states > MaxStates)
        {
            throw new InvalidInputException($"{where}: the expression needs more than {MaxStates:N0} states. Use smaller counts or a simpler pattern.");
        }
    }

    /// <summary>Drops the states from which nothing is accepted; null when the first is one of them.</summary>
    private static ByteDfa? Trim(List<ByteEdge[]> edges, List<bool> accepting)
    {
        var sources = new List<int>?[edges.Count];
        for (var i = 0; i < edges.Count; i++)
        {
            foreach (var edge in edges[i])
            {
                (sources[edge.Target] ??= []).Add(i);
            }
        }

        var alive = accepting.ToArray();
        var open = new Stack<int>(Enumerable.Range(0, alive.Length).Where(i => alive[i]));
        while (open.TryPop(out var state))
        {
            foreach (var source in sources[state] ?? [])
            {
                if (!alive[source])
                {
                    alive[source] = true;
                    open.Push(source);
                }
            }
        }

        // The states keep their numbers; those that died have no edge to them any more.
        return alive[0] ? new ByteDfa([.. edges.Select(list => Array.FindAll(list, edge => alive[edge.Target]))], accepting) : null;
    }

    /// <summary>Turns sets of states of the nondeterministic automaton into states.</summary>
    private sealed class SubsetConstruction(ByteNfa nfa, int end, CompileBudget budget, string where)
    {
        private readonly Dictionary<int[], int> ids = new(new SameStates());
        private readonly List<int[]> subsets = [];
        private readonly int[] stamps = new int[nfa.Count];
        private readonly Stack<int> open = new();
        private int stamp;

        public ByteDfa? Run(int start)
        {
            var edges = new List<ByteEdge[]>();
            var accepting = new List<bool>();
            Add(Close([start], ByteNfa.Move.AtBeginning));
            for (var i = 0; i < subsets.Count; i++)
            {
                // An empty text is at its beginning and its end.
                var atEnd = Close(subsets[i], ByteNfa.Move.AtEnd, i == 0 ? ByteNfa.Move.AtBeginning : ByteNfa.Move.AtEnd);
                accepting.Add(Array.BinarySearch(atEnd, end) >= 0);
                edges.Add(Expand(subsets[i]));
            }

            return Trim(edges, accepting);
        }

        private ByteEdge[] Expand(int[] subset)
        {
            var targets = new List<int>?[256];
            foreach (var state in subset)
            {
                foreach (var edge in nfa.Bytes(state))
                {
                    budget.Spend(edge.Hi - edge.Lo + 1, where);
                    for (int value = edge.Lo; value <= edge.Hi; value++)
                    {
                        (targets[value] ??= []).Add(edge.Target);
                    }
                }
            }

            var edges = new List<ByteEdge>();
            for (var value = 0; value < 256; value++)
            {
                if (targets[value] is not { } list)
                {
                    continue;
                }

                var same = value > 0 && targets[value - 1] is { } before && before.SequenceEqual(list);
                var target = same ? edges[^1].Target : Add(Close(list));
                if (edges.Count > 0 && edges[^1].Target == target && edges[^1].Hi == value - 1)
                {
                    edges[^1] = edges[^1] with { Hi = (byte)value };
                }
                else
                {
                    edges.Add(new ByteEdge((byte)value, (byte)value, target));
                }
            }

            return [.. edges];
        }

        private int Add(int[] subset)
        {
            if (!ids.TryGetValue(subset, out var id))
            {
                id = subsets.Count;
                ids.Add(subset, id);
                subsets.Add(subset);
                RequireFew(subsets.Count, where);
            }

            return id;
        }

        private int[] Close(IReadOnlyList<int> states, params ReadOnlySpan<ByteNfa.Move> also)
        {
            stamp++;
            var closed = new List<int>();
            foreach (var state in states)
            {
                Visit(state, closed);
            }

            while (open.TryPop(out var state))
            {
                foreach (var (target, kind) in nfa.Moves(state))
                {
                    if (kind == ByteNfa.Move.Always || also.Contains(kind))
                    {
                        Visit(target, closed);
                    }
                }
            }

            budget.Spend(closed.Count, where);
            closed.Sort();
            return [.. closed];
        }

        private void Visit(int state, List<int> closed)
        {
            if (stamps[state] != stamp)
            {
                stamps[state] = stamp;
                closed.Add(state);
                open.Push(state);
            }
        }
    }

    private sealed class SameStates : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(obj.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
