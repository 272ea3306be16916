using System.Collections.Concurrent;

namespace MiniMaxSharp.Inference;

/// <summary>Grammars that were asked for lately, so that a schema is compiled once and its masks are kept. Safe for many threads.</summary>
public sealed class GrammarCache
{
    private const int Capacity = 64;
    private readonly ConcurrentDictionary<string, Grammar> grammars = new(StringComparer.Ordinal);

    /// <summary>The grammar of a rule.</summary>
    /// <param name="key">The rule as text: equal rules have equal keys.</param>
    /// <param name="compile">Makes the grammar.</param>
    /// <exception cref="InvalidInputException">The rule cannot be kept; the message says why.</exception>
    public Grammar Of(string key, Func<Grammar> compile)
    {
        if (grammars.Count >= Capacity)
        {
            grammars.Clear();
        }

        return grammars.GetOrAdd(key, static (_, make) => make(), compile);
    }
}
