using System.Text;
using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary><c>rollouts.jsonl</c> of a run: one roll-out a line, in the order of the steps.</summary>
public sealed class RolloutFile : IDisposable
{
    /// <summary>Name of the file within the folder of a run.</summary>
    public const string Name = "rollouts.jsonl";

    private readonly FileStream stream;

    /// <summary>Opens the file of a run to append to it.</summary>
    /// <param name="runFolder">Folder of the run; made where it is missing.</param>
    /// <param name="resumedAtStep">Last step of the checkpoint that is resumed, 0 for a new run; lines of later steps are cut, the run writes them again.</param>
    /// <exception cref="InvalidInputException">A line of the file is no roll-out.</exception>
    public RolloutFile(string runFolder, long resumedAtStep = 0)
    {
        Directory.CreateDirectory(runFolder);
        var path = Path.Combine(runFolder, Name);
        var length = File.Exists(path) ? LengthUpTo(path, resumedAtStep) : 0;
        stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        stream.SetLength(length);
        stream.Position = length;
    }

    /// <summary>One line of JSON.</summary>
    public static string ToJson(Rollout rollout) => JsonSerializer.Serialize(rollout, RolloutJson.Readable.Rollout);

    /// <summary>Reads a line back.</summary>
    /// <param name="json">The line.</param>
    /// <param name="place">Where it stands, for messages.</param>
    /// <exception cref="InvalidInputException">It is no roll-out, or its arrays differ in length.</exception>
    public static Rollout Parse(string json, string place)
    {
        try
        {
            var rollout = JsonSerializer.Deserialize(json, RolloutJson.Readable.Rollout) ?? throw new JsonException("it is null.");
            var length = rollout.Tokens.Length;
            return rollout.Logprobs.Length == length && (rollout.LossMask?.Length ?? length) == length && (rollout.TrainLogprobs?.Length ?? length) == length
                ? rollout
                : throw new JsonException("tokens, logprobs, train_logprobs and loss_mask differ in length.");
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{place}: not a roll-out: {exception.Message} The file may be of another version; its fields are described in docs/tasks.md.", exception);
        }
    }

    /// <summary>The roll-outs of a run, oldest first. A last line that is not complete, as a killed run leaves it, is left out.</summary>
    /// <exception cref="InvalidInputException">The file is missing or a line is no roll-out.</exception>
    public static IEnumerable<Rollout> Read(string runFolder)
    {
        var path = Path.Combine(runFolder, Name);
        if (!File.Exists(path))
        {
            throw new InvalidInputException($"{runFolder} has no {Name}. Give the folder of a run of: minimax train rl");
        }

        foreach (var (line, number, _) in Lines(path))
        {
            yield return Parse(line, $"{path}, line {number}");
        }
    }

    /// <summary>Appends roll-outs and hands them to the operating system.</summary>
    public void Append(IEnumerable<Rollout> rollouts)
    {
        foreach (var rollout in rollouts)
        {
            stream.Write(Encoding.UTF8.GetBytes(ToJson(rollout)));
            stream.WriteByte((byte)'\n');
        }

        stream.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private static long LengthUpTo(string path, long step)
    {
        var length = 0L;
        foreach (var (line, number, end) in Lines(path))
        {
            if (Parse(line, $"{path}, line {number}").Step > step)
            {
                break;
            }

            length = end;
        }

        return length;
    }

    /// <summary>Complete lines with their number from 1 and the position behind them in bytes.</summary>
    private static IEnumerable<(string Line, int Number, long End)> Lines(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream, new UTF8Encoding(false));
        var end = 0L;
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            end += Encoding.UTF8.GetByteCount(line) + 1;
            if (end > stream.Length)
            {
                yield break; // The last line lacks its end.
            }

            if (line.Length > 0)
            {
                yield return (line, number, end);
            }
        }
    }
}
