using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniMaxSharp.Tasks;

/// <summary>The JSON of tasks: one spelling for one value, so that a hash of it is stable, and short ways to write and read it.</summary>
internal static class TaskJson
{
    private static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One line, letters of all scripts as they are.</summary>
    public static string Compact(JsonNode node)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, readable))
        {
            node.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    public static JsonArray Array(IEnumerable<int> values) => new([.. values.Select(value => (JsonNode)value)]);

    public static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(value => (JsonNode)value)]);

    /// <summary>Rows of a rectangle.</summary>
    public static JsonArray Rows(int[,] cells) =>
        new([.. Enumerable.Range(0, cells.GetLength(0)).Select(r => (JsonNode)Array(Enumerable.Range(0, cells.GetLength(1)).Select(c => cells[r, c])))]);

    public static int Int(this JsonElement data, string name) => data.GetProperty(name).GetInt32();

    public static string Text(this JsonElement data, string name) => data.GetProperty(name).GetString()!;

    public static int[] Ints(this JsonElement data, string name) => [.. data.GetProperty(name).EnumerateArray().Select(item => item.GetInt32())];

    public static string[] Texts(this JsonElement data, string name) => [.. data.GetProperty(name).EnumerateArray().Select(item => item.GetString()!)];

    public static int[][] IntRows(this JsonElement data, string name) =>
        [.. data.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(item => item.GetInt32()).ToArray())];

    /// <summary>A rectangle of integers.</summary>
    public static int[,] Cells(this JsonElement data, string name)
    {
        var rows = data.IntRows(name);
        var cells = new int[rows.Length, rows[0].Length];
        for (var i = 0; i < cells.Length; i++)
        {
            cells[i / rows[0].Length, i % rows[0].Length] = rows[i / rows[0].Length][i % rows[0].Length];
        }

        return cells;
    }
}
