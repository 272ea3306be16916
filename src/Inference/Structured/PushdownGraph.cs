using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// An edge that takes no byte. It may be taken when the counter lies in a range, and can add one to it.
/// The counter counts the items of an array or the characters of a string; every call of a rule begins a new one at 0.
/// </summary>
/// <param name="Target">State behind it.</param>
/// <param name="MinCount">Least counter.</param>
/// <param name="MaxCount">Greatest counter.</param>
/// <param name="Counts">True: adds one.</param>
/// <param name="Cap">Where the counter stays, because larger values make no difference.</param>
internal readonly record struct EmptyEdge(int Target, int MinCount = 0, int MaxCount = int.MaxValue, bool Counts = false, int Cap = 0);

/// <summary>An edge that takes a text of a rule.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Target">State behind it.</param>
internal readonly record struct CallEdge(int Rule, int Target);

/// <summary>
/// A language under construction: rules, each a graph from its start to its end, whose edges take a byte, nothing, or a text of another rule.
/// Regular parts have no calls; recursion is calls. <see cref="PushdownAutomaton"/> is the finished form.
/// </summary>
/// <param name="budget">Counts the states.</param>
internal sealed class PushdownGraph(CompileBudget budget)
{
    private const int StateCost = 60;
    private readonly List<List<ByteEdge>> bytes = [];
    private readonly List<List<EmptyEdge>> empties = [];
    private readonly List<List<CallEdge>> calls = [];
    private readonly List<(int Start, int End)> rules = [];
    private readonly Dictionary<int, int> freeText = [];
    private readonly Dictionary<(int From, byte Value), int> literals = [];

    /// <summary>Number of states.</summary>
    public int Count => bytes.Count;

    /// <summary>Start and end of each rule.</summary>
    public IReadOnlyList<(int Start, int End)> Rules => rules;

    /// <summary>States that take any character of a JSON string, with the largest number of characters there (-1 no limit).</summary>
    public IReadOnlyDictionary<int, int> FreeText => freeText;

    /// <summary>Place in the schema that is being compiled, for messages.</summary>
    public string Where { get; set; } = "$";

    /// <summary>Edges that take a byte.</summary>
    public IReadOnlyList<ByteEdge> Bytes(int state) => bytes[state];

    /// <summary>Edges that take nothing.</summary>
    public IReadOnlyList<EmptyEdge> Empties(int state) => empties[state];

    /// <summary>Edges that take a text of a rule.</summary>
    public IReadOnlyList<CallEdge> Calls(int state) => calls[state];

    /// <summary>Adds a state.</summary>
    public int AddState()
    {
        budget.Spend(StateCost, Where);
        bytes.Add([]);
        empties.Add([]);
        calls.Add([]);
        return Count - 1;
    }

    /// <summary>Adds a rule without any text.</summary>
    public int AddRule()
    {
        rules.Add((AddState(), AddState()));
        return rules.Count - 1;
    }

    /// <summary>Adds an edge that takes one byte.</summary>
    public void AddByte(int from, int lo, int hi, int to)
    {
        budget.Spend(1, Where);
        bytes[from].Add(new ByteEdge((byte)lo, (byte)hi, to));
    }

    /// <summary>Adds an edge that takes nothing.</summary>
    public void AddEmpty(int from, int to) => AddEmpty(from, new EmptyEdge(to));

    /// <summary>Adds an edge that takes nothing.</summary>
    public void AddEmpty(int from, EmptyEdge edge)
    {
        budget.Spend(1, Where);
        empties[from].Add(edge);
    }

    /// <summary>Adds a call; returns the state behind it.</summary>
    public int AddCall(int from, int rule)
    {
        var to = AddState();
        calls[from].Add(new CallEdge(rule, to));
        return to;
    }

    /// <summary>Marks the state where a character of a JSON string begins that may be any.</summary>
    public void MarkFreeText(int state, int maxLength) => freeText.Add(state, maxLength);

    /// <summary>Adds a fixed text behind <paramref name="from"/>; returns the state behind it. Texts behind the same state share their beginnings.</summary>
    public int AddText(int from, ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
        {
            if (!literals.TryGetValue((from, value), out var next))
            {
                next = AddState();
                literals.Add((from, value), next);
                AddByte(from, value, value, next);
            }

            from = next;
        }

        // The end is the caller's own: a longer text may share the way to it.
        var end = AddState();
        AddEmpty(from, end);
        return end;
    }

    /// <summary>The same for the UTF-8 of a text.</summary>
    public int AddText(int from, string text) => AddText(from, Encoding.UTF8.GetBytes(text));

    /// <summary>Adds one character of a template.</summary>
    public void AddTemplate(int from, ByteTemplate template, int to)
    {
        var states = new int[template.Edges.Count];
        (states[0], states[1]) = (from, to);
        for (var i = 2; i < states.Length; i++)
        {
            states[i] = AddState();
        }

        for (var i = 0; i < states.Length; i++)
        {
            foreach (var edge in template.Edges[i])
            {
                AddByte(states[i], edge.Lo, edge.Hi, states[edge.Target]);
            }
        }
    }

    /// <summary>Adds the texts of a deterministic automaton; returns the state behind them.</summary>
    public int AddDfa(int from, ByteDfa dfa)
    {
        var end = AddState();
        var states = Enumerable.Range(0, dfa.Edges.Count).Select(_ => AddState()).ToArray();
        AddEmpty(from, states[0]);
        for (var i = 0; i < states.Length; i++)
        {
            foreach (var edge in dfa.Edges[i])
            {
                AddByte(states[i], edge.Lo, edge.Hi, states[edge.Target]);
            }

            if (dfa.Accepting[i])
            {
                AddEmpty(states[i], end);
            }
        }

        return end;
    }
}
