namespace MiniMaxSharp.Inference;

/// <summary>A nondeterministic automaton over bytes, made from the syntax tree of a regular expression (Thompson's construction).</summary>
/// <param name="form">How characters are written.</param>
/// <param name="budget">Counts the states.</param>
/// <param name="where">Place of the expression, for messages.</param>
internal sealed class ByteNfa(ByteForm form, CompileBudget budget, string where)
{
    private const int StateCost = 40;
    private readonly List<List<ByteEdge>> bytes = [];
    private readonly List<List<(int Target, Move Kind)>> moves = [];
    private readonly Dictionary<CodePointSet, ByteTemplate> templates = [];

    /// <summary>When an edge without byte may be taken.</summary>
    internal enum Move
    {
        /// <summary>Always.</summary>
        Always,

        /// <summary>At the beginning of the text.</summary>
        AtBeginning,

        /// <summary>At the end of the text.</summary>
        AtEnd,
    }

    /// <summary>Number of states.</summary>
    public int Count => bytes.Count;

    /// <summary>Edges that take a byte.</summary>
    public List<ByteEdge> Bytes(int state) => bytes[state];

    /// <summary>Edges that take none.</summary>
    public List<(int Target, Move Kind)> Moves(int state) => moves[state];

    /// <summary>Adds a state.</summary>
    public int AddState()
    {
        budget.Spend(StateCost, where);
        bytes.Add([]);
        moves.Add([]);
        return bytes.Count - 1;
    }

    /// <summary>Adds what the tree describes behind <paramref name="from"/>; returns the state behind it.</summary>
    public int Add(RegexNode node, int from)
    {
        budget.Spend(4, where);
        switch (node)
        {
            case RegexNode.Characters characters:
                return AddCharacters(characters.Set, from);
            case RegexNode.Sequence sequence:
                return sequence.Parts.Aggregate(from, (state, part) => Add(part, state));
            case RegexNode.Choice choice:
                var end = AddState();
                foreach (var part in choice.Parts)
                {
                    var begin = AddState();
                    moves[from].Add((begin, Move.Always));
                    moves[Add(part, begin)].Add((end, Move.Always));
                }

                return end;
            case RegexNode.Repeat repeat:
                return AddRepeat(repeat, from);
            case RegexNode.Anchor anchor:
                var behind = AddState();
                moves[from].Add((behind, anchor.AtEnd ? Move.AtEnd : Move.AtBeginning));
                return behind;
            default:
                throw new ArgumentException($"There is no such node: {node}.", nameof(node));
        }
    }

    private int AddRepeat(RegexNode.Repeat repeat, int from)
    {
        for (var i = 0; i < repeat.Min; i++)
        {
            from = Add(repeat.Body, from);
        }

        if (repeat.Max is not { } max)
        {
            var loop = AddState();
            moves[from].Add((loop, Move.Always));
            moves[Add(repeat.Body, loop)].Add((loop, Move.Always));
            return loop;
        }

        var end = AddState();
        moves[from].Add((end, Move.Always));
        for (var i = repeat.Min; i < max; i++)
        {
            from = Add(repeat.Body, from);
            moves[from].Add((end, Move.Always));
        }

        return end;
    }

    private int AddCharacters(CodePointSet set, int from)
    {
        if (!templates.TryGetValue(set, out var template))
        {
            templates.Add(set, template = ByteTemplate.Of(set, form));
        }

        var end = AddState();
        var first = Count - 2;
        for (var i = 2; i < template.Edges.Count; i++)
        {
            AddState();
        }

        for (var i = 0; i < template.Edges.Count; i++)
        {
            budget.Spend(template.Edges[i].Count, where);
            bytes[i == 0 ? from : first + i].AddRange(template.Edges[i].Select(edge => edge with { Target = first + edge.Target }));
        }

        return end;
    }
}
