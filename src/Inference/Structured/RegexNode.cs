namespace MiniMaxSharp.Inference;

/// <summary>Syntax tree of a regular expression.</summary>
internal abstract record RegexNode
{
    /// <summary>One character of a set.</summary>
    public sealed record Characters(CodePointSet Set) : RegexNode;

    /// <summary>All parts after one another; without parts the empty text.</summary>
    public sealed record Sequence(IReadOnlyList<RegexNode> Parts) : RegexNode;

    /// <summary>One of the parts.</summary>
    public sealed record Choice(IReadOnlyList<RegexNode> Parts) : RegexNode;

    /// <summary>The body at least <paramref name="Min"/> and at most <paramref name="Max"/> times; null has no limit.</summary>
    public sealed record Repeat(RegexNode Body, int Min, int? Max) : RegexNode;

    /// <summary>The beginning or the end of the text.</summary>
    public sealed record Anchor(bool AtEnd) : RegexNode;

    /// <summary>Any text at all.</summary>
    public static RegexNode AnyText { get; } = new Repeat(new Characters(CodePointSet.All), 0, null);
}
