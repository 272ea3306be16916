using System.Globalization;
using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary>The metrics of a run as columns: for each name its steps and values.</summary>
public sealed class RunMetrics
{
    private readonly Dictionary<string, List<(long Step, double Value)>> columns = new(StringComparer.Ordinal);

    private RunMetrics()
    {
    }

    /// <summary>Names, in the order of their first appearance.</summary>
    public IReadOnlyCollection<string> Names => columns.Keys;

    /// <summary>Values of one metric by step; empty when the run has none.</summary>
    public IReadOnlyList<(long Step, double Value)> this[string name] => columns.TryGetValue(name, out var column) ? column : [];

    /// <summary>Reads <c>metrics.jsonl</c> of a run; a torn last line is left out.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or a line before the last is no JSON object with a step.</exception>
    public static RunMetrics Read(string runFolder)
    {
        var path = Path.Combine(runFolder, RunLog.FileName);
        if (!File.Exists(path))
        {
            throw new InvalidInputException($"{runFolder} holds no run: it has no {RunLog.FileName}. Give the folder that --out named.");
        }

        var metrics = new RunMetrics();
        var lines = ReadLines(path);
        for (var i = 0; i < lines.Count; i++)
        {
            try
            {
                metrics.Add(lines[i]);
            }
            catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                if (i < lines.Count - 1)
                {
                    throw new InvalidInputException($"{path} line {i + 1} is damaged: {exception.Message} Delete the line.", exception);
                }
            }
        }

        return metrics;
    }

    /// <summary>The file may be written to meanwhile.</summary>
    private static List<string> ReadLines(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }

    private void Add(string line)
    {
        using var document = JsonDocument.Parse(line);
        var step = document.RootElement.GetProperty("step").GetInt64();
        foreach (var property in document.RootElement.EnumerateObject().Where(static property => property.Name != "step"))
        {
            var value = property.Value.ValueKind == JsonValueKind.Number
                ? property.Value.GetDouble()
                : double.Parse(property.Value.GetString()!, CultureInfo.InvariantCulture);
            if (!columns.TryGetValue(property.Name, out var column))
            {
                columns[property.Name] = column = [];
            }

            if (column.Count > 0 && column[^1].Step == step)
            {
                column.RemoveAt(column.Count - 1); // A step that was done again counts once.
            }

            column.Add((step, value));
        }
    }
}
