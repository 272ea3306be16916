using System.Numerics;

namespace MiniMaxSharp.Tasks;

/// <summary>A rule over some variables.</summary>
internal abstract class PuzzleConstraint(int[] scope)
{
    /// <summary>The variables it speaks of.</summary>
    public int[] Scope { get; } = scope;

    /// <summary>Removes values that cannot hold; false when the rule is broken.</summary>
    public abstract bool Revise(PuzzleState state);
}

/// <summary>All values differ; where there are as many values as variables, each value has a place.</summary>
internal sealed class AllDifferent(int[] scope) : PuzzleConstraint(scope)
{
    public override bool Revise(PuzzleState state)
    {
        var (all, once, twice) = (0UL, 0UL, 0UL);
        foreach (var variable in Scope)
        {
            if (state.IsFixed(variable))
            {
                foreach (var other in Scope)
                {
                    if (other != variable && !state.Keep(other, ~state.Domains[variable]))
                    {
                        return false;
                    }
                }
            }
        }

        foreach (var variable in Scope)
        {
            var domain = state.Domains[variable];
            all |= domain;
            twice |= once & domain;
            once |= domain;
        }

        var values = BitOperations.PopCount(all);
        if (values < Scope.Length)
        {
            return false;
        }

        var single = once & ~twice;
        return values > Scope.Length || single == 0
            || Scope.All(variable => (state.Domains[variable] & single) == 0 || state.Keep(variable, state.Domains[variable] & single));
    }
}

/// <summary>low ≤ Σ weight · value ≤ high. With a condition, the rule holds only where that variable is 1, and an impossible rule makes it 0.</summary>
internal sealed class LinearSum(int[] terms, int[] weights, int low, int high, int condition = -1)
    : PuzzleConstraint(condition < 0 ? terms : [.. terms, condition])
{
    public static LinearSum Exactly(int[] terms, int sum, int condition = -1) => new(terms, [.. Enumerable.Repeat(1, terms.Length)], sum, sum, condition);

    public override bool Revise(PuzzleState state)
    {
        var (smallest, largest) = (0L, 0L);
        for (var i = 0; i < terms.Length; i++)
        {
            smallest += Least(state, i);
            largest += Most(state, i);
        }

        if (smallest > high || largest < low)
        {
            return condition >= 0 && state.Keep(condition, ~2UL);
        }

        if (condition >= 0 && state.Domains[condition] != 2)
        {
            return true;
        }

        for (var i = 0; i < terms.Length; i++)
        {
            var (least, most) = (Least(state, i), Most(state, i));
            var kept = 0UL;
            for (var mask = state.Domains[terms[i]]; mask != 0; mask &= mask - 1)
            {
                var value = (long)weights[i] * BitOperations.TrailingZeroCount(mask);
                kept |= smallest - least + value <= high && largest - most + value >= low ? mask & (~mask + 1) : 0;
            }

            if (!state.Keep(terms[i], kept))
            {
                return false;
            }

            smallest += Least(state, i) - least;
            largest += Most(state, i) - most;
        }

        return true;
    }

    private long Least(PuzzleState state, int i) => (long)weights[i] * (weights[i] > 0 ? state.Lowest(terms[i]) : state.Highest(terms[i]));

    private long Most(PuzzleState state, int i) => (long)weights[i] * (weights[i] > 0 ? state.Highest(terms[i]) : state.Lowest(terms[i]));
}

/// <summary>A rule between two variables as a table: which values of the second go with each value of the first.</summary>
internal sealed class PairRule(int first, int second, Func<int, ulong> allowed) : PuzzleConstraint([first, second])
{
    public override bool Revise(PuzzleState state)
    {
        var (kept, reach) = (0UL, 0UL);
        for (var mask = state.Domains[first]; mask != 0; mask &= mask - 1)
        {
            var partners = allowed(BitOperations.TrailingZeroCount(mask)) & state.Domains[second];
            reach |= partners;
            kept |= partners != 0 ? mask & (~mask + 1) : 0;
        }

        return state.Keep(first, kept) && state.Keep(second, reach);
    }
}

/// <summary>Any rule, given as a test of complete values; works by trying all combinations once they are few.</summary>
internal sealed class TestedRule(int[] scope, Func<int[], bool> holds, bool isDistinct, long maxCombinations = 4_000) : PuzzleConstraint(scope)
{
    private readonly int[] values = new int[scope.Length];
    private readonly ulong[] supported = new ulong[scope.Length];

    public override bool Revise(PuzzleState state)
    {
        var combinations = 1L;
        foreach (var variable in Scope)
        {
            combinations *= BitOperations.PopCount(state.Domains[variable]);
            if (combinations > maxCombinations)
            {
                return true;
            }
        }

        Array.Clear(supported);
        Try(state, 0, 0);
        for (var i = 0; i < Scope.Length; i++)
        {
            if (!state.Keep(Scope[i], supported[i]))
            {
                return false;
            }
        }

        return true;
    }

    private void Try(PuzzleState state, int index, ulong used)
    {
        if (index == Scope.Length)
        {
            if (holds(values))
            {
                for (var i = 0; i < values.Length; i++)
                {
                    supported[i] |= 1UL << values[i];
                }
            }

            return;
        }

        for (var mask = state.Domains[Scope[index]] & ~used; mask != 0; mask &= mask - 1)
        {
            values[index] = BitOperations.TrailingZeroCount(mask);
            Try(state, index + 1, isDistinct ? used | (1UL << values[index]) : 0);
        }
    }
}
