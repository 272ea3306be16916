namespace MiniMaxSharp.Inference;

/// <summary>
/// The finished form of a <see cref="PushdownGraph"/>: parts from which no text can be completed are gone, each state knows how much nesting it still
/// needs, and bytes that no edge tells apart share a class.
/// </summary>
internal sealed class PushdownAutomaton
{
    /// <summary>Calls inside one another; deeper nesting is never begun.</summary>
    public const int MaxDepth = 128;

    private const int Unreachable = int.MaxValue;

    private readonly int[] heights;

    private PushdownAutomaton(PushdownGraph graph, int rootRule)
    {
        heights = MeasureHeights(graph);
        Root = rootRule;
        Rules = graph.Rules;
        States = new State[graph.Count];
        for (var i = 0; i < States.Length; i++)
        {
            States[i] = new State(
                [.. graph.Bytes(i).Where(edge => heights[edge.Target] != Unreachable)],
                [.. graph.Empties(i).Where(edge => heights[edge.Target] != Unreachable)],
                [.. graph.Calls(i).Where(edge => heights[edge.Target] != Unreachable && heights[Rules[edge.Rule].Start] != Unreachable)],
                heights[i],
                graph.FreeText.GetValueOrDefault(i));
        }

        foreach (var (_, end) in Rules)
        {
            States[end] = States[end] with { EndsRule = true };
        }

        (ByteClasses, ClassBytes) = MakeByteClasses(States);
    }

    /// <summary>The states.</summary>
    public State[] States { get; }

    /// <summary>Start and end state of each rule.</summary>
    public IReadOnlyList<(int Start, int End)> Rules { get; }

    /// <summary>The rule of the whole text.</summary>
    public int Root { get; }

    /// <summary>Class of each of the 256 bytes.</summary>
    public byte[] ByteClasses { get; }

    /// <summary>One byte of each class.</summary>
    public byte[] ClassBytes { get; }

    /// <summary>Finishes a graph; null when its root rule has no text.</summary>
    public static PushdownAutomaton? Of(PushdownGraph graph, int rootRule)
    {
        var automaton = new PushdownAutomaton(graph, rootRule);
        return automaton.heights[graph.Rules[rootRule].Start] <= MaxDepth ? automaton : null;
    }

    /// <summary>
    /// For each state the calls inside one another that the shortest way to the end of its rule needs. Lowered from infinity until nothing changes.
    /// </summary>
    private static int[] MeasureHeights(PushdownGraph graph)
    {
        var users = new List<int>?[graph.Count];
        for (var i = 0; i < graph.Count; i++)
        {
            foreach (var target in Targets(graph, i))
            {
                (users[target] ??= []).Add(i);
            }
        }

        var heights = new int[graph.Count];
        Array.Fill(heights, Unreachable);
        var open = new Queue<int>();
        foreach (var (_, end) in graph.Rules)
        {
            heights[end] = 0;
            open.Enqueue(end);
        }

        while (open.TryDequeue(out var state))
        {
            foreach (var user in users[state] ?? [])
            {
                var height = Height(graph, heights, user);
                if (height < heights[user])
                {
                    heights[user] = height;
                    open.Enqueue(user);
                }
            }
        }

        return heights;
    }

    private static IEnumerable<int> Targets(PushdownGraph graph, int state) =>
        graph.Bytes(state).Select(edge => edge.Target)
            .Concat(graph.Empties(state).Select(edge => edge.Target))
            .Concat(graph.Calls(state).SelectMany(edge => new[] { edge.Target, graph.Rules[edge.Rule].Start }))
            .Distinct();

    private static int Height(PushdownGraph graph, int[] heights, int state)
    {
        var least = heights[state];
        foreach (var edge in graph.Bytes(state))
        {
            least = Math.Min(least, heights[edge.Target]);
        }

        foreach (var edge in graph.Empties(state))
        {
            least = Math.Min(least, heights[edge.Target]);
        }

        foreach (var edge in graph.Calls(state))
        {
            var inside = heights[graph.Rules[edge.Rule].Start];
            least = inside == Unreachable ? least : Math.Min(least, Math.Max(inside + 1, heights[edge.Target]));
        }

        return least;
    }

    private static (byte[] Classes, byte[] Bytes) MakeByteClasses(State[] states)
    {
        var starts = new bool[257];
        starts[0] = true;
        foreach (var edge in states.SelectMany(state => state.Bytes))
        {
            starts[edge.Lo] = true;
            starts[edge.Hi + 1] = true;
        }

        var classes = new byte[256];
        var bytes = new List<byte>();
        for (var value = 0; value < 256; value++)
        {
            if (starts[value])
            {
                bytes.Add((byte)value);
            }

            classes[value] = (byte)(bytes.Count - 1);
        }

        return (classes, [.. bytes]);
    }

    /// <summary>One state.</summary>
    /// <param name="Bytes">Edges that take a byte.</param>
    /// <param name="Empties">Edges that take nothing.</param>
    /// <param name="Calls">Edges that take a text of a rule.</param>
    /// <param name="Height">Calls inside one another that the shortest way to the end of the rule needs.</param>
    /// <param name="FreeText">Not 0: any character of a JSON string begins here; the most characters of the string, -1 without limit.</param>
    /// <param name="EndsRule">True at the end of a rule.</param>
    internal sealed record State(ByteEdge[] Bytes, EmptyEdge[] Empties, CallEdge[] Calls, int Height, int FreeText, bool EndsRule = false);
}
