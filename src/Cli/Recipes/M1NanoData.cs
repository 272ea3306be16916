using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;

namespace MiniMaxSharp.Cli;

/// <summary>A task of m1-nano's training.</summary>
/// <param name="Name">Name in the catalogue.</param>
/// <param name="MaxLevel">Hardest level that is trained on.</param>
/// <param name="Weight">Share of the examples, relative to the other tasks.</param>
/// <param name="HarderWeight">Its share in the second fine-tuning and in reinforcement, which have most of what is hard.</param>
/// <param name="Reach">Levels above the hardest that the last stage tries; 0 where nothing is right there, or where the model says that it does not know.</param>
internal sealed record M1NanoTask(string Name, int MaxLevel, double Weight, double HarderWeight, int Reach = 0);

/// <summary>
/// The data of m1-nano. Only problems of <see cref="TaskSplit.Sft"/> are in it, in the pretraining text as in the conversations. Facts of
/// single digits stand in many derivations, so the problems of one digit are not unseen in the strict sense.
/// </summary>
internal static class M1NanoData
{
    /// <summary>Pretraining text, in the folder of the run.</summary>
    public const string TextFile = "data/texts.jsonl";

    /// <summary>Conversations, in the folder of the run.</summary>
    public const string ConversationFile = "data/conversations.jsonl";

    private const int Texts = 200_000;
    private const int Conversations = 240_000;
    private const int HarderConversations = 300_000;
    private const double ReflectionShare = 0.06;

    private static readonly JsonSerializerOptions compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The tasks that m1-nano knows.</summary>
    public static IReadOnlyList<M1NanoTask> Tasks { get; } =
    [
        new("addition", 4, 1.5, 0.6),
        new("subtraction", 4, 1.5, 1),
        new("multiplication", 3, 1.5, 0.9),
        new("division", 3, 1.5, 2.4),
        new("arithmetic-chain", 4, 1.5, 2.4, 1),
        new("comparison", 4, 0.7, 1.5, 1),
        new("linear-equation", 4, 1.2, 1, 1),
        new("fractions", 3, 1.2, 1.5, 1),
        new("countdown", 2, 1.5, 5),
        new("number-sorting", 3, 0.8, 1.5),
        new("letter-counting", 3, 0.8, 1),
        new("bracket-completion", 3, 0.6, 0.6, 1),
        new("boolean-expressions", 3, 0.6, 0.5, 1),
        new("web-of-lies", 3, 0.8, 0.9, 1),
    ];

    /// <summary>Tasks whose questions are also asked with a calculator, at any level up to 6.</summary>
    private static readonly string[] calculated = ["addition", "subtraction", "multiplication", "division", "arithmetic-chain"];

    /// <summary>Writes the pretraining text of a run.</summary>
    public static void WriteTexts(string folder) => GeneratedText.Write(Path.Combine(folder, TextFile), Texts, seed: 1, Text);

    /// <summary>Writes the conversations of a run.</summary>
    public static void WriteConversations(string folder) => GeneratedText.Write(Path.Combine(folder, ConversationFile), Conversations, seed: 1, Conversation);

    /// <summary>Writes the conversations of the second fine-tuning.</summary>
    public static void WriteHarderConversations(string folder) =>
        GeneratedText.Write(Path.Combine(folder, ConversationFile), HarderConversations, seed: 1_000_000, HarderConversation);

    /// <summary>One record of the pretraining text.</summary>
    public static string Text(ulong seed)
    {
        var random = TaskRandom.Named("m1-nano/text", seed);
        var language = LanguageOf(random);
        var text = random.Below(20) switch
        {
            < 3 => M1NanoText.Fact(random, language),
            < 6 => M1NanoText.Sentences(random, language),
            6 => Spoken(random, seed, language),
            7 => Calculated(random, language),
            _ => Solved(Problem(random, language).Instance!, random),
        };
        return new JsonObject { ["text"] = text }.ToJsonString(compact);
    }

    /// <summary>One conversation.</summary>
    public static string Conversation(ulong seed) => Turn(TaskRandom.Named("m1-nano/conversation", seed), seed, static task => task.Weight).ToJsonString(compact);

    /// <summary>One conversation of the second fine-tuning; one in five has turns before it, without their thoughts, as a chat sends them.</summary>
    public static string HarderConversation(ulong seed)
    {
        var random = TaskRandom.Named("m1-nano/conversation", seed);
        var line = random.OneIn(25) ? InJson(random, LanguageOf(random)) : Turn(random, seed, static task => task.HarderWeight);
        var messages = line["messages"]!.AsArray();
        for (var before = random.OneIn(5) ? random.Range(1, 2) : 0; before > 0; before--)
        {
            var language = LanguageOf(random);
            var earlier = random.OneIn(4) ? Talk(random, random.NextBits(), language).ToExample() : Draw(random, EasyOf, language, out _);
            var (asked, answered) = (earlier["messages"]![0]!.DeepClone(), earlier["messages"]![1]!.DeepClone().AsObject());
            answered.Remove("reasoning_content");
            answered["weight"] = 0;
            messages.Insert(0, answered);
            messages.Insert(0, asked);
        }

        return line.ToJsonString(compact);
    }

    private static JsonObject Turn(TaskRandom random, ulong seed, Func<M1NanoTask, double> weight)
    {
        var language = LanguageOf(random);
        return random.Below(50) switch
        {
            < 4 => Talk(random, seed, language).ToExample(),
            < 8 => Draw(random, CalculatedOf, language, out _),
            _ => Draw(random, draws => HardestOf(draws, weight), language, out _),
        };
    }

    /// <summary>A problem whose answer is wanted as a JSON object.</summary>
    private static JsonObject InJson(TaskRandom random, TaskLanguage language)
    {
        var line = Draw(random, draws => HardestOf(draws, static task => task.Weight), language, out var prompt);
        var instance = prompt.Instance!;
        var wish = language == TaskLanguage.Chinese
            ? random.Pick(["用 JSON 回答：{\"answer\": …}", "请以 JSON 对象作答，键为 answer。"])
            : random.Pick(["Reply with JSON: {\"answer\": ...}", "Answer as a JSON object with the key answer.", "Give the answer as JSON."]);
        line["messages"]![0]!["content"] = $"{instance.Question ?? instance.Prompt}\n{wish}";
        line["messages"]![1]!["content"] = new JsonObject
        {
            ["answer"] = long.TryParse(instance.Gold, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : JsonValue.Create(instance.Gold),
        }.ToJsonString(compact);
        return line;
    }

    private static TaskLanguage LanguageOf(TaskRandom random) => random.Below(5) < 2 ? TaskLanguage.Chinese : TaskLanguage.English;

    private static (string Name, int MaxLevel) HardestOf(TaskRandom random, Func<M1NanoTask, double> weight)
    {
        var place = random.Below(1_000_000) * 1e-6 * Tasks.Sum(weight);
        var task = Tasks.First(task => (place -= weight(task)) < 0);
        return (task.Name, task.MaxLevel);
    }

    private static (string Name, int MaxLevel) EasyOf(TaskRandom random) => (random.Pick(Tasks).Name, 2);

    private static (string Name, int MaxLevel) CalculatedOf(TaskRandom random) => ($"calculator/{random.Pick(calculated)}", 6);

    /// <summary>A problem of a task, with its demonstration. Problems of the lower levels are few, so these are drawn less.</summary>
    private static JsonObject Draw(TaskRandom random, Func<TaskRandom, (string Name, int MaxLevel)> choose, TaskLanguage language, out EnvironmentPrompt prompt)
    {
        while (true)
        {
            var (name, most) = choose(random);
            prompt = EnvironmentPrompt.Sample(name, 1 + Math.Max(random.Below(most), random.Below(most)), random.NextBits(), language);
            if (prompt.Split == TaskSplit.Sft && Demonstration.Of(prompt, ReflectionShare) is { } line)
            {
                if (prompt.Scenario is null && random.OneIn(4))
                {
                    var asked = line["messages"]!.AsArray().First(static message => (string?)message!["role"] == "user")!;
                    asked["content"] = LooseWording.Of((string)asked["content"]!, random, language);
                }

                return line;
            }
        }
    }

    private static EnvironmentPrompt Problem(TaskRandom random, TaskLanguage language)
    {
        Draw(random, static draws => HardestOf(draws, static task => task.Weight), language, out var prompt);
        return prompt;
    }

    private static SmallTalk Talk(TaskRandom random, ulong seed, TaskLanguage language)
    {
        var kind = random.Pick([TalkKind.Greeting, TalkKind.Ability, TalkKind.Thanks, TalkKind.Outside, TalkKind.Outside, TalkKind.Outside, TalkKind.TooLong, TalkKind.TooLong, TalkKind.Uneven, TalkKind.Uneven]);
        while (true)
        {
            var talk = SmallTalk.Sample(kind, random.NextBits() ^ seed, language);
            if (talk.Split == TaskSplit.Sft)
            {
                return talk;
            }
        }
    }

    private static string Spoken(TaskRandom random, ulong seed, TaskLanguage language)
    {
        var talk = Talk(random, seed, language);
        return $"{talk.Question}\n{talk.Reasoning}\n{talk.Answer}";
    }

    /// <summary>What a conversation with a calculator holds, so that the tokenizer and the model know its words.</summary>
    private static string Calculated(TaskRandom random, TaskLanguage language)
    {
        var line = Draw(random, CalculatedOf, language, out _);
        return line["tools"]!.ToJsonString(compact) + "\n" + line["messages"]!.ToJsonString(compact);
    }

    /// <summary>A question with its derivation and answer; now and then the thinking is cut short as the engine cuts it at the end of a budget.</summary>
    private static string Solved(TaskInstance instance, TaskRandom random)
    {
        var isChinese = instance.Language == TaskLanguage.Chinese;
        var answer = isChinese ? random.Pick(["答案是", "所以答案是"]) : random.Pick(["The answer is", "So the answer is"]);
        var asked = random.OneIn(2) ? instance.Prompt : instance.Question;
        var reasoning = instance.Reasoning! + "\n";
        if (random.OneIn(12))
        {
            var lines = instance.Reasoning!.Split('\n');
            reasoning = string.Join('\n', lines[..random.Below(lines.Length)]) + InferenceEngine.ThinkingClosing;
        }

        return $"{asked}\n{reasoning}{answer} \\boxed{{{instance.Gold}}}{(isChinese ? "。" : ".")}";
    }
}
