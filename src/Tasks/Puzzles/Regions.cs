namespace MiniMaxSharp.Tasks;

/// <summary>Boards cut into connected regions.</summary>
internal static class Regions
{
    /// <summary>Grows one region from each group of seeds until the board is full; the region of each cell.</summary>
    public static int[] Grow(Board board, TaskRandom random, IReadOnlyList<int[]> seeds)
    {
        var regions = new int[board.Cells];
        Array.Fill(regions, -1);
        var open = new List<int>();
        for (var i = 0; i < seeds.Count; i++)
        {
            foreach (var cell in seeds[i])
            {
                regions[cell] = i;
                open.Add(cell);
            }
        }

        while (open.Count > 0)
        {
            var at = random.Below(open.Count);
            var free = board.Neighbours(open[at]).Where(next => regions[next] < 0).ToArray();
            if (free.Length == 0)
            {
                open.RemoveAt(at);
                continue;
            }

            var taken = random.Pick(free);
            regions[taken] = regions[open[at]];
            open.Add(taken);
        }

        return regions;
    }

    /// <summary>
    /// Moves one cell that the wrong solution marks, and the right one does not, to a region beside it, so that the wrong solution
    /// breaks the count of two regions. False where no such cell can move without cutting its region.
    /// </summary>
    public static bool Break(Board board, TaskRandom random, int[] regions, int[] right, int[] wrong)
    {
        foreach (var cell in random.Shuffled(Enumerable.Range(0, board.Cells).Where(i => wrong[i] == 1 && right[i] == 0)))
        {
            var own = regions[cell];
            var others = board.Neighbours(cell).Select(next => regions[next]).Where(region => region != own).Distinct().ToArray();
            var rest = Enumerable.Range(0, board.Cells).Where(i => i != cell && regions[i] == own).ToArray();
            if (others.Length > 0 && rest.Length > 0 && board.Connected(rest[0], next => next != cell && regions[next] == own).Count == rest.Length)
            {
                regions[cell] = random.Pick(others);
                return true;
            }
        }

        return false;
    }

    /// <summary>The board with a letter for each region.</summary>
    public static string Show(Board board, int[] regions) => board.Show(cell => ((char)('A' + regions[cell])).ToString());
}
