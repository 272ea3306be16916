namespace MiniMaxSharp.Cli;

/// <summary>A prompt that follows an earlier one, and what a cache could have kept of it.</summary>
/// <param name="Name">What happens.</param>
/// <param name="First">The earlier prompt.</param>
/// <param name="Second">The prompt that shares its beginning.</param>
/// <param name="Shared">Tokens that both begin with.</param>
internal sealed record PrefixScenario(string Name, int[] First, int[] Second, int Shared)
{
    /// <summary>The usual ones, each with prompts of its own from the seed.</summary>
    public static IReadOnlyList<PrefixScenario> All(int vocabulary, int seed)
    {
        var random = new Random(seed);
        return
        [
            Of("1,200 tokens, then a turn of 60 appended", 1200, 1200, 60),
            Of("branch at token 600 of 1,200", 1200, 600, 600),
            Of("the same 1,200 tokens again", 1200, 1200, 0),
            Of("another conversation that shares 700 tokens", 1200, 700, 500),
            Of("second turn of a conversation of 4,096 tokens", 4096, 4096, 64),
        ];

        PrefixScenario Of(string name, int first, int shared, int added)
        {
            var tokens = Draw(first);
            return new PrefixScenario(name, tokens, [.. tokens[..shared], .. Draw(added)], shared);
        }

        int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}

/// <summary>What a <see cref="PrefixScenario"/> measured.</summary>
/// <param name="Scenario">The scenario.</param>
/// <param name="CachedTokens">Tokens that were reused.</param>
/// <param name="Cold">Seconds to the first token of the second prompt's length on a cold cache.</param>
/// <param name="Warm">Seconds to the first token of the second prompt.</param>
internal sealed record PrefixResult(PrefixScenario Scenario, int CachedTokens, double Cold, double Warm)
{
    /// <summary>Runs a scenario: a prompt of other tokens with the second's length, the first prompt, the second one.</summary>
    /// <exception cref="HttpRequestException">A request failed.</exception>
    public static async Task<PrefixResult> Measure(PrefixScenario scenario, int vocabulary, Func<LoadRequest, CancellationToken, Task<LoadResult>> send, CancellationToken cancellationToken)
    {
        var other = Array.ConvertAll(scenario.Second, id => (id + 1) % vocabulary);
        var cold = await One(other).ConfigureAwait(false);
        await One(scenario.First).ConfigureAwait(false);
        var warm = await One(scenario.Second).ConfigureAwait(false);
        return new PrefixResult(scenario, warm.CachedTokens, cold.FirstToken, warm.FirstToken);

        async Task<LoadResult> One(int[] prompt)
        {
            var result = await send(new LoadRequest(null, prompt, 2), cancellationToken).ConfigureAwait(false);
            return result.Error is null ? result : throw new HttpRequestException($"{scenario.Name}: status {result.Status}, {result.Error}");
        }
    }
}
