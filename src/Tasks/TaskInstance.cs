using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tasks;

/// <summary>Which stage may see a problem.</summary>
public enum TaskSplit
{
    /// <summary>Supervised fine-tuning, 60 of 100 problems.</summary>
    Sft,

    /// <summary>Reinforcement learning, 30 of 100.</summary>
    Rl,

    /// <summary>Held out for evaluation, 10 of 100.</summary>
    Evaluation,
}

/// <summary>One problem in one wording; survives a line of JSON.</summary>
/// <param name="Task">Name of the task.</param>
/// <param name="Level">Difficulty.</param>
/// <param name="Seed">Seed it was drawn with.</param>
/// <param name="Language">Language of the prompt.</param>
/// <param name="Prompt">What the user says, with the sentence that asks for <c>\boxed{}</c>.</param>
/// <param name="Gold">An answer that is right; the verifier may accept others.</param>
/// <param name="Data">JSON for the verifier.</param>
/// <param name="Size">Steps or unknowns; comparable within one task only.</param>
public sealed partial record TaskInstance(string Task, int Level, ulong Seed, TaskLanguage Language, string Prompt, string Gold, string Data, int Size)
{
    /// <summary>The prompt without the sentence that asks for <c>\boxed{}</c>; null for an instance that was read from a file.</summary>
    public string? Question { get; init; }

    /// <summary>A short derivation of the gold answer; null where the task has none or the instance was read from a file.</summary>
    public string? Reasoning { get; init; }

    /// <summary>The first 16 hexadecimal digits of the SHA-256 of the prompt.</summary>
    public string Id => Hash(Prompt)[..16];

    /// <summary>
    /// Which stage may see the problem. It follows from a hash of the problem, not of its wording, so that one problem asked in two ways
    /// or languages never lies on both sides.
    /// </summary>
    public TaskSplit Split => SplitOf(Task == "arithmetic-chain" && SingleOperation().Match(Data) is { Success: true } match
        ? $"{OperationOf(match.Groups[2].Value)}\n{Gold}\n{{\"a\":{match.Groups[1].Value},\"b\":{match.Groups[3].Value}}}"
        : $"{Task}\n{Gold}\n{Data}");

    /// <summary>The conversation so far: one message of the user.</summary>
    public IReadOnlyList<ChatMessage> Messages => [ChatMessage.User(Prompt)];

    /// <summary>One line of JSON; with reasoning it is a training example, whose <c>messages</c> end with the assistant's.</summary>
    /// <param name="withReasoning">Adds the derivation and the answer. In half of the examples the user does not ask for <c>\boxed{}</c>.</param>
    public string ToJsonLine(bool withReasoning = false)
    {
        var line = new JsonObject
        {
            ["id"] = Id,
            ["task"] = Task,
            ["level"] = Level,
            ["seed"] = Seed,
            ["language"] = Language.Code(),
            ["split"] = Split.ToString().ToLowerInvariant(),
            ["size"] = Size,
            ["prompt"] = Prompt,
            ["gold"] = Gold,
            ["data"] = JsonNode.Parse(Data),
        };
        if (withReasoning && Reasoning is not null)
        {
            line["messages"] = Demonstration(Reasoning);
        }

        return TaskJson.Compact(line);
    }

    /// <summary>Reads an instance back.</summary>
    /// <param name="line">An object as <see cref="ToJsonLine"/> writes it; further fields are left alone.</param>
    /// <param name="source">Where it stands, for messages.</param>
    /// <exception cref="InvalidInputException">A field is missing or of another type.</exception>
    public static TaskInstance FromJson(JsonElement line, string source)
    {
        try
        {
            var prompt = line.GetProperty("prompt").GetString()!;
            return new TaskInstance(
                line.GetProperty("task").GetString()!,
                line.GetProperty("level").GetInt32(),
                line.GetProperty("seed").GetUInt64(),
                TaskLanguageCode.Parse(line.GetProperty("language").GetString()!),
                prompt,
                line.GetProperty("gold").GetString()!,
                TaskJson.Compact(JsonNode.Parse(line.GetProperty("data").GetRawText())!),
                line.GetProperty("size").GetInt32());
        }
        catch (Exception exception) when (exception is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidInputException(
                $"{source}: no task instance: {exception.Message} An instance has task, level, seed, language, prompt, gold, data, size; see: minimax tasks sample --help", exception);
        }
    }

    /// <summary>The task that asks for one operation.</summary>
    private static string OperationOf(string sign) => sign switch { "+" => "addition", "-" => "subtraction", "×" => "multiplication", _ => "division" };

    /// <summary>A chain of one operation, which is also a problem of the task for that operation and must lie in the same part.</summary>
    [GeneratedRegex("""^\{"expression":"(\d+) ([+×÷-]) (\d+)"\}$""")]
    private static partial Regex SingleOperation();

    /// <summary>The part that a problem belongs to.</summary>
    /// <param name="problem">What tells the problem from others, without its wording.</param>
    internal static TaskSplit SplitOf(string problem) => (Convert.ToInt32(Hash(problem)[..6], 16) % 100) switch
    {
        < 60 => TaskSplit.Sft,
        < 90 => TaskSplit.Rl,
        _ => TaskSplit.Evaluation,
    };

    /// <summary>The messages of a training example. In half of them the user does not ask for <c>\boxed{}</c>.</summary>
    internal JsonArray Demonstration(string reasoning)
    {
        var random = TaskRandom.Named($"demonstration/{Task}", Seed);
        var answer = Language == TaskLanguage.Chinese
            ? random.Pick(["答案是 \\boxed{", "所以答案是 \\boxed{", "\\boxed{"]) + Gold + "}"
            : random.Pick(["The answer is \\boxed{", "So the answer is \\boxed{", "\\boxed{"]) + Gold + "}";
        // Not a collection expression: that calls the generic JsonArray.Add, which NativeAOT cannot have.
        return new JsonArray(
            new JsonObject { ["role"] = "user", ["content"] = random.OneIn(2) ? Prompt : Question ?? Prompt },
            new JsonObject { ["role"] = "assistant", ["reasoning_content"] = reasoning, ["content"] = answer });
    }

    /// <summary>The SHA-256 of a text, in hexadecimal.</summary>
    internal static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
