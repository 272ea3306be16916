using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Training;

/// <summary><c>rollouts.jsonl</c> of a run: one answer a line, in the order of the steps.</summary>
public sealed class RolloutLines : IDisposable
{
    private static readonly JsonSerializerOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly StreamWriter writer;

    /// <summary>Opens the file to append to it; lines of steps after <paramref name="resumedAtStep"/> are cut, the run writes them again.</summary>
    public RolloutLines(string runFolder, long resumedAtStep)
    {
        Directory.CreateDirectory(runFolder);
        var path = Path.Combine(runFolder, "rollouts.jsonl");
        var kept = File.Exists(path) ? LengthUpTo(path, resumedAtStep) : 0;
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        stream.SetLength(kept);
        stream.Position = kept;
        writer = new StreamWriter(stream, new UTF8Encoding(false)) { NewLine = "\n" };
    }

    /// <summary>Appends the answers of a step and hands them to the operating system.</summary>
    public void Append(RolloutBatch batch)
    {
        foreach (var group in batch.All)
        {
            foreach (var answer in group.Answers)
            {
                writer.WriteLine(Line(batch, group, answer).ToJsonString(readable));
            }
        }

        writer.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    private static JsonObject Line(RolloutBatch batch, RolloutGroup group, JudgedAnswer answer)
    {
        var close = answer.Text.LastIndexOf("</think>", StringComparison.Ordinal);
        var line = new JsonObject
        {
            ["step"] = batch.Step,
            ["policy_version"] = answer.Answer.PolicyVersion,
            ["task"] = group.Prompt.Task,
            ["level"] = group.Prompt.Level,
            ["prompt"] = group.Prompt.Id,
            ["group"] = group.Number,
            ["sample"] = answer.Sample,
            ["prompt_text"] = group.Prompt.Text,
            ["reasoning"] = close < 0 ? "" : answer.Text[..close].Replace("<think>", "", StringComparison.Ordinal).Trim(),
            ["answer"] = close < 0 ? answer.Text : answer.Text[(close + "</think>".Length)..].Trim(),
            ["prompt_tokens"] = Array(group.Prompt.Tokens),
            ["tokens"] = Array(answer.Answer.Tokens),
            ["logprobs"] = Array(answer.Answer.Logprobs),
            ["train_logprobs"] = answer.TrainLogprobs is { } trained ? Array(trained) : null,
            ["reward"] = answer.Reward,
            ["rewards"] = new JsonArray([.. answer.Terms.Select(static term => (JsonNode)new JsonObject { ["name"] = term.Key, ["value"] = term.Value })]),
            ["advantage"] = answer.Advantage,
            ["stop_reason"] = StopReason(answer.Answer.StopReason),
            ["error"] = answer.Error,
        };
        foreach (var name in line.Where(static field => field.Value is null).Select(static field => field.Key).ToArray())
        {
            line.Remove(name);
        }

        return line;
    }

    private static JsonArray Array<T>(T[] values) => new([.. values.Select(static value => (JsonNode)JsonValue.Create(value)!)]);

    private static string StopReason(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Repetition => "repetition",
        _ => "length",
    };

    private static long LengthUpTo(string path, long step)
    {
        var kept = 0L;
        var bytes = File.ReadAllBytes(path).AsSpan();
        while (bytes[(int)kept..].IndexOf((byte)'\n') is var length && length >= 0)
        {
            var reader = new Utf8JsonReader(bytes.Slice((int)kept, length));
            if (!reader.Read() || !reader.Read() || !reader.ValueTextEquals("step") || !reader.Read())
            {
                throw new InvalidInputException($"{path}: a line does not begin with the step of a roll-out. The file is of another program; move it away and resume again.");
            }

            if (reader.GetInt64() > step)
            {
                break;
            }

            kept += length + 1;
        }

        return kept;
    }
}
