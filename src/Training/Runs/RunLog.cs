using System.Text;
using System.Text.Json;

namespace MiniMaxSharp.Training;

/// <summary>
/// The metrics of a run in <c>metrics.jsonl</c>, one object a step, each line on its way to the disk before the next step begins,
/// and the same as a TensorBoard event file.
/// </summary>
public sealed class RunLog : IDisposable
{
    public const string FileName = "metrics.jsonl";

    private readonly FileStream stream;
    private readonly TensorBoardFile tensorBoard;

    /// <summary>
    /// Opens the log, cutting what is torn or belongs to steps after <paramref name="resumedAtStep"/>. A run that begins again from 0 evaluates again before its first
    /// step, so nothing is kept then.
    /// </summary>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="resumedAtStep">Steps that the run had done.</param>
    public RunLog(string runFolder, long resumedAtStep = 0)
    {
        stream = new FileStream(Path.Combine(runFolder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        var text = new byte[stream.Length];
        stream.ReadExactly(text);
        var kept = 0;
        for (int end; resumedAtStep > 0 && (end = text.AsSpan(kept).IndexOf((byte)'\n')) >= 0 && StepOf(text.AsSpan(kept, end)) <= resumedAtStep;)
        {
            kept += end + 1;
        }

        stream.SetLength(kept);
        stream.Position = kept;
        tensorBoard = new TensorBoardFile(runFolder, resumedAtStep);
    }

    /// <summary>Writes the metrics of a step; values that are not finite become text.</summary>
    public void Log(long step, IReadOnlyDictionary<string, double> metrics)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            foreach (var (name, value) in metrics)
            {
                if (double.IsFinite(value))
                {
                    json.WriteNumber(name, value);
                }
                else
                {
                    json.WriteString(name, FormattableString.Invariant($"{value}"));
                }
            }

            json.WriteEndObject();
        }

        line.WriteByte((byte)'\n');
        stream.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        stream.Flush();
        tensorBoard.Log(step, metrics);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        tensorBoard.Dispose();
    }

    private static long StepOf(ReadOnlySpan<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(Encoding.UTF8.GetString(line));
            return document.RootElement.GetProperty("step").GetInt64();
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return long.MaxValue;
        }
    }
}
