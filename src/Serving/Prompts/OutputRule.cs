using System.Collections.Concurrent;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>A rule for the form of an answer, not compiled yet.</summary>
/// <param name="Key">The rule as text: equal rules have equal keys.</param>
/// <param name="Compile">Makes the grammar.</param>
internal sealed record OutputRule(string Key, Func<Grammar> Compile);

/// <summary>Compiled grammars of the rules that were asked for lately, so that a schema is compiled once and its masks are kept.</summary>
internal sealed class GrammarCache
{
    private const int Capacity = 64;
    private readonly ConcurrentDictionary<string, Grammar> grammars = new(StringComparer.Ordinal);

    /// <summary>The grammar of a rule.</summary>
    /// <exception cref="InvalidInputException">The rule cannot be kept; the message says why.</exception>
    public Grammar Of(OutputRule rule)
    {
        if (grammars.Count >= Capacity)
        {
            grammars.Clear();
        }

        return grammars.GetOrAdd(rule.Key, static (_, rule) => rule.Compile(), rule);
    }
}
