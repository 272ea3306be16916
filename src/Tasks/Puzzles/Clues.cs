namespace MiniMaxSharp.Tasks;

/// <summary>Which cells of a solution a puzzle shows.</summary>
internal static class Clues
{
    /// <summary>
    /// Hides cells in a random order as long as the solution stays the only one, until <paramref name="hidden"/> are hidden.
    /// The result holds −1 for hidden cells.
    /// </summary>
    public static int[] Hide(TaskRandom random, int[] solution, int hidden, Func<int[], bool> isUnique)
    {
        var shown = (int[])solution.Clone();
        var count = 0;
        foreach (var cell in random.Shuffled(Enumerable.Range(0, solution.Length)))
        {
            if (count == hidden)
            {
                break;
            }

            shown[cell] = -1;
            if (isUnique(shown))
            {
                count++;
            }
            else
            {
                shown[cell] = solution[cell];
            }
        }

        return shown;
    }

    /// <summary>Shows cells, each chosen to rule a wrong solution out, until the solution is the only one.</summary>
    /// <param name="random">Chooses the cells.</param>
    /// <param name="solution">The solution.</param>
    /// <param name="mayShow">Cells that can be shown.</param>
    /// <param name="search">The solver of the puzzle with some cells shown (−1 for hidden).</param>
    /// <param name="maxNodes">Work of one search; where it does not suffice, another cell is shown.</param>
    public static int[]? Reveal(TaskRandom random, int[] solution, Func<int, bool> mayShow, Func<int[], ConstraintSearch> search, int maxNodes = 4_000)
    {
        var shown = new int[solution.Length];
        Array.Fill(shown, -1);
        while (true)
        {
            var other = search(shown).Other(solution, out var isComplete, maxNodes);
            if (other is null && isComplete)
            {
                return shown;
            }

            var telling = Enumerable.Range(0, solution.Length).Where(i => shown[i] < 0 && mayShow(i) && (other is null || other[i] != solution[i])).ToArray();
            if (telling.Length == 0)
            {
                return null;
            }

            var cell = random.Pick(telling);
            shown[cell] = solution[cell];
        }
    }
}
