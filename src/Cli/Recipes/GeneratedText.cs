using System.Text;
using System.Text.Json.Nodes;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>Training data that is made on the spot, the same for the same seed.</summary>
internal static class GeneratedText
{
    /// <summary>Writes JSON lines under a temporary name and renames them. A file that is there already is whole and stays.</summary>
    /// <param name="path">The file.</param>
    /// <param name="count">Lines.</param>
    /// <param name="seed">Of the first line; each line has its own.</param>
    /// <param name="line">Makes a line of its seed.</param>
    public static void Write(string path, int count, ulong seed, Func<ulong, string> line)
    {
        if (File.Exists(path))
        {
            return;
        }

        OutputFile.Write(path, target =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllLines(target + ".tmp", Enumerable.Range(0, count).Select(i => line(seed + (ulong)i)), new UTF8Encoding(false));
            File.Move(target + ".tmp", target, overwrite: true);
        });
    }

    /// <summary>A text that counts, such as <c>Count by 5 from 35: 35, 40, 45, 50, 55.</c></summary>
    public static string NumberLine(ulong seed)
    {
        var random = TaskRandom.Named("number-line", seed);
        var (by, length, up) = (random.Pick([1, 2, 5, 10]), random.Range(5, 12), random.OneIn(2));
        var first = random.Below(200) + (up ? 0 : by * length);
        var numbers = Enumerable.Range(0, length).Select(i => first + (up ? i : -i) * by);
        return new JsonObject { ["text"] = $"Count {(up ? "up" : "down")} by {by} from {first}: {string.Join(", ", numbers)}." }.ToJsonString();
    }
}
