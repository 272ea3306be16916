using System.Numerics;

namespace MiniMaxSharp.Tasks;

/// <summary>
/// A small solver for puzzles: variables with values 0…63 as bit masks, constraints that shrink them, and search on the smallest domain.
/// The number of nodes is bounded, so that a generator can try and turn to another puzzle.
/// </summary>
internal sealed class ConstraintSearch
{
    private readonly ulong[] initial;
    private readonly List<PuzzleConstraint> constraints = [];
    private readonly List<int>[] watching;

    /// <summary>Makes <paramref name="variables"/> variables that can be all values of <paramref name="mask"/>.</summary>
    public ConstraintSearch(int variables, ulong mask)
    {
        initial = new ulong[variables];
        Array.Fill(initial, mask);
        watching = [.. Enumerable.Range(0, variables).Select(_ => new List<int>())];
    }

    /// <summary>The mask of the values from low to high.</summary>
    public static ulong Values(int low, int high) => (ulong.MaxValue >> (63 - high + low)) << low;

    /// <summary>Keeps only the values of a mask.</summary>
    public void Restrict(int variable, ulong mask) => initial[variable] &= mask;

    /// <summary>Gives a variable its value.</summary>
    public void Fix(int variable, int value) => Restrict(variable, 1UL << value);

    /// <summary>Adds a constraint.</summary>
    public void Add(PuzzleConstraint constraint)
    {
        foreach (var variable in constraint.Scope)
        {
            watching[variable].Add(constraints.Count);
        }

        constraints.Add(constraint);
    }

    /// <summary>One solution, with values tried in a random order; null where there is none within the nodes.</summary>
    public int[]? Solve(TaskRandom random, int maxNodes = 20_000)
    {
        var found = new List<int[]>();
        Search(found, 1, maxNodes, random);
        return found.Count > 0 ? found[0] : null;
    }

    /// <summary>True when exactly one solution exists; false also where the nodes run out.</summary>
    public bool IsUnique(int maxNodes = 2_000)
    {
        var found = new List<int[]>();
        return Search(found, 2, maxNodes, null) && found.Count == 1;
    }

    /// <summary>A solution other than the given one; null where there is none. <paramref name="isComplete"/> is false when the nodes ran out first.</summary>
    public int[]? Other(int[] solution, out bool isComplete, int maxNodes = 4_000)
    {
        var found = new List<int[]>();
        isComplete = Search(found, 2, maxNodes, null);
        return found.Find(other => !other.AsSpan().SequenceEqual(solution));
    }

    private bool Search(List<int[]> found, int limit, int maxNodes, TaskRandom? random)
    {
        var state = new PuzzleState((ulong[])initial.Clone());
        var queue = new Queue<int>(Enumerable.Range(0, constraints.Count));
        return !Propagate(state, queue) || Descend(state, found, limit, ref maxNodes, random);
    }

    /// <summary>False when the nodes ran out.</summary>
    private bool Descend(PuzzleState state, List<int[]> found, int limit, ref int nodes, TaskRandom? random)
    {
        var variable = Smallest(state);
        if (variable < 0)
        {
            found.Add([.. state.Domains.Select(BitOperations.TrailingZeroCount)]);
            return true;
        }

        var values = new List<int>();
        for (var mask = state.Domains[variable]; mask != 0; mask &= mask - 1)
        {
            values.Add(BitOperations.TrailingZeroCount(mask));
        }

        foreach (var value in random is null ? values : (IEnumerable<int>)random.Shuffled(values))
        {
            if (--nodes < 0)
            {
                return false;
            }

            var next = new PuzzleState((ulong[])state.Domains.Clone());
            next.Keep(variable, 1UL << value);
            if (Propagate(next, new Queue<int>()) && !Descend(next, found, limit, ref nodes, random))
            {
                return false;
            }

            if (found.Count >= limit)
            {
                return true;
            }
        }

        return true;
    }

    private static int Smallest(PuzzleState state)
    {
        var (best, size) = (-1, int.MaxValue);
        for (var i = 0; i < state.Domains.Length; i++)
        {
            var count = BitOperations.PopCount(state.Domains[i]);
            if (count > 1 && count < size)
            {
                (best, size) = (i, count);
            }
        }

        return best;
    }

    private bool Propagate(PuzzleState state, Queue<int> queue)
    {
        var isQueued = new bool[constraints.Count];
        foreach (var index in queue)
        {
            isQueued[index] = true;
        }

        while (true)
        {
            while (state.Changed.TryDequeue(out var variable))
            {
                foreach (var index in watching[variable])
                {
                    if (!isQueued[index])
                    {
                        isQueued[index] = true;
                        queue.Enqueue(index);
                    }
                }
            }

            if (!queue.TryDequeue(out var next))
            {
                return true;
            }

            isQueued[next] = false;
            if (!constraints[next].Revise(state))
            {
                return false;
            }
        }
    }
}

/// <summary>The domains of one node of a search.</summary>
internal sealed class PuzzleState(ulong[] domains)
{
    /// <summary>Possible values of each variable.</summary>
    public ulong[] Domains { get; } = domains;

    /// <summary>Variables whose domain shrank since they were last looked at.</summary>
    public Queue<int> Changed { get; } = new();

    /// <summary>Keeps only the values of a mask; false when none is left.</summary>
    public bool Keep(int variable, ulong mask)
    {
        var kept = Domains[variable] & mask;
        if (kept != Domains[variable])
        {
            Domains[variable] = kept;
            Changed.Enqueue(variable);
        }

        return kept != 0;
    }

    public bool IsFixed(int variable) => BitOperations.IsPow2(Domains[variable]);

    public int Lowest(int variable) => BitOperations.TrailingZeroCount(Domains[variable]);

    public int Highest(int variable) => 63 - BitOperations.LeadingZeroCount(Domains[variable]);
}
