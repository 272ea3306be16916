using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>A rule for the form of an answer, not compiled yet.</summary>
/// <param name="Key">The rule as text: equal rules have equal keys.</param>
/// <param name="Compile">Makes the grammar.</param>
internal sealed record OutputRule(string Key, Func<Grammar> Compile)
{
    /// <summary>Makes the grammar of an answer that may call tools instead, several or not; null where the form has no such grammar.</summary>
    public Func<IReadOnlyList<GrammarTool>, bool, Grammar>? CompileWithCalls { get; init; }
}
