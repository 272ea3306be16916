using System.Globalization;

namespace MiniMaxSharp.Tasks;

/// <summary>A rectangle of cells, numbered row by row from 0.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
internal readonly record struct Board(int Rows, int Columns)
{
    private static readonly (int Row, int Column)[] steps = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, 1), (1, -1)];

    public int Cells => Rows * Columns;

    public int[] Row(int row) => [.. Enumerable.Range(row * Columns, Columns)];

    public int[] Column(int column)
    {
        var columns = Columns;
        return [.. Enumerable.Range(0, Rows).Select(row => (row * columns) + column)];
    }

    /// <summary>All rows, then all columns.</summary>
    public IEnumerable<int[]> Lines() => [.. Enumerable.Range(0, Rows).Select(Row), .. Enumerable.Range(0, Columns).Select(Column)];

    /// <summary>The cell one step away, or −1 outside. Directions: up, down, left, right, then up-left, up-right, down-right, down-left.</summary>
    public int Step(int cell, int direction)
    {
        var (row, column) = ((cell / Columns) + steps[direction].Row, (cell % Columns) + steps[direction].Column);
        return row < 0 || row >= Rows || column < 0 || column >= Columns ? -1 : (row * Columns) + column;
    }

    /// <summary>The cells that share a side.</summary>
    public int[] Neighbours(int cell) => Around(cell, 4);

    /// <summary>The cells that share a side or a corner.</summary>
    public int[] Surrounding(int cell) => Around(cell, 8);

    /// <summary>The cells that hang together with one by sides, among those that belong.</summary>
    public HashSet<int> Connected(int start, Func<int, bool> belongs)
    {
        var seen = new HashSet<int> { start };
        var open = new Stack<int>([start]);
        while (open.TryPop(out var cell))
        {
            foreach (var next in Neighbours(cell))
            {
                if (belongs(next) && seen.Add(next))
                {
                    open.Push(next);
                }
            }
        }

        return seen;
    }

    /// <summary>Rows of text, cells separated by one space.</summary>
    public string Show(Func<int, string> cell)
    {
        var columns = Columns;
        return string.Join('\n', Enumerable.Range(0, Rows).Select(row => string.Join(' ', Enumerable.Range(row * columns, columns).Select(cell))));
    }

    /// <summary>The same for numbers; a negative number is an empty cell, shown as an underscore.</summary>
    public string Show(IReadOnlyList<int> values) => Show(cell => values[cell] < 0 ? "_" : values[cell].ToString(CultureInfo.InvariantCulture));

    private int[] Around(int cell, int directions)
    {
        var cells = new List<int>(directions);
        for (var direction = 0; direction < directions; direction++)
        {
            if (Step(cell, direction) is var next and >= 0)
            {
                cells.Add(next);
            }
        }

        return [.. cells];
    }
}
