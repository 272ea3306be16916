namespace MiniMaxSharp.Training;

/// <summary>Counter-based seeds: what is drawn for (seed, step, prompt, sample) depends on nothing else.</summary>
public static class RolloutSeed
{
    /// <summary>The seed of the draws of one place of a run.</summary>
    public static ulong Of(ulong seed, params ReadOnlySpan<long> counters)
    {
        var state = Mix(seed);
        foreach (var counter in counters)
        {
            state = Mix(state ^ Mix((ulong)counter));
        }

        return state;
    }

    /// <summary>The finaliser of SplitMix64.</summary>
    private static ulong Mix(ulong state)
    {
        var z = state + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
