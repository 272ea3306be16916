using System.Globalization;

namespace MiniMaxSharp.Tasks;

/// <summary>Reads lists and grids out of an answer: JSON arrays, LaTeX rows, or plain lines.</summary>
internal static class AnswerTokens
{
    private static readonly char[] separators = [' ', ',', '\t', '\n', '\r', ';', '[', ']', '(', ')', '{', '}', '"', '\'', '&', '|', '，', '、', '；', '（', '）', '$'];
    private static readonly string[] rowEnds = ["\\\\", "\n", ";", "；", "],", "] ,"];

    /// <summary>All words, whatever separates them.</summary>
    public static string[] Words(string answer) => answer.Replace("\\", " ", StringComparison.Ordinal).Split(separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>All integers; null where something else stands among them.</summary>
    public static List<int>? Integers(string answer)
    {
        var numbers = new List<int>();
        foreach (var word in Words(answer))
        {
            if (!int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            {
                return null;
            }

            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>The cells of a grid of a known size, row by row; null where the answer has another shape. One-character cells need no separators.</summary>
    public static string[]? Grid(string answer, int rows, int columns)
    {
        var lines = answer.Split(rowEnds, StringSplitOptions.RemoveEmptyEntries).Select(Words).Where(line => line.Length > 0).ToArray();
        var cells = lines.SelectMany(line => line).ToArray();
        if (lines.Length == rows && lines.All(line => line.Length == 1 && line[0].Length == columns) && columns > 1)
        {
            return [.. cells.SelectMany(line => line.Select(c => c.ToString()))];
        }

        var isShaped = lines.Length == 1 || (lines.Length == rows && lines.All(line => line.Length == columns));
        return isShaped && cells.Length == rows * columns ? cells : null;
    }

    /// <summary>The same for whole numbers.</summary>
    public static int[]? IntGrid(string answer, int rows, int columns)
    {
        if (Grid(answer, rows, columns) is not { } cells)
        {
            return null;
        }

        var numbers = new int[cells.Length];
        for (var i = 0; i < cells.Length; i++)
        {
            if (!int.TryParse(cells[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i]))
            {
                return null;
            }
        }

        return numbers;
    }
}
