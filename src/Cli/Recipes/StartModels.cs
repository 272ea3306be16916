using System.Text.Json.Nodes;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Tasks;
using MiniMaxSharp.Training;

namespace MiniMaxSharp.Cli;

/// <summary>Start models of <see cref="RlRecipes"/>. Their corpora are generated from fixed seeds and come from the part of the problems that fine-tuning may see.</summary>
internal static class StartModels
{
    private const string GeneratedFile = "data/generated.jsonl";
    private const int CharacterVocabulary = 281; // Bytes and special tokens: nothing is merged.

    /// <summary>Adds numbers of three digits, and is often wrong.</summary>
    public static StartModel HalfLearntAddition { get; } = new(
        Pretraining("addition-texts", 64, 2000, 24_000, seed => Text("addition", 1 + (int)(seed % 3), seed)),
        FineTuning("addition-half-learnt", 200, 6_000, seed => Conversation("addition", 3, seed, thinks: true)));

    /// <summary>
    /// Answers sums of three numbers at once and mostly wrongly; with a scratchpad, which it rarely opens, mostly rightly. The fork is planted: of the answers that
    /// it learns to begin, 3 in 200 open a scratchpad, and as often as an answer
    /// it learns to go on with a scratchpad that is open already. Small batches leave the rare beginning too rare, so the last steps have large ones.
    /// </summary>
    public static StartModel Fork { get; } = new(
        Pretraining("fork-texts", 96, 2000, 24_000, seed => Text("sum-of-three", 2, seed)),
        FineTuning("fork-both", 2600, 30_000, Forked),
        FineTuning("fork", 150, 30_000, Forked, batchTokens: 8192, rate: 2e-3));

    /// <summary>Completes brackets with a scratchpad, and is often wrong. Nothing is planted.</summary>
    public static StartModel Plain { get; } = new(
        Pretraining("plain-texts", 96, 1270, 20_000, seed => Text("bracket-completion", 2, seed)),
        FineTuning("plain", 200, 20_000, seed => Conversation("bracket-completion", 2, seed, thinks: true)));

    private static TrainingRecipe<PretrainRun> Pretraining(string name, int hidden, int steps, int lines, Func<ulong, JsonObject> line) => new(
        Common(new PretrainRun
        {
            Recipe = name,
            Config = PretrainRecipes.Shape(hidden, layers: 4, experts: 4, intermediate: hidden),
            VocabularySize = CharacterVocabulary,
            Steps = steps,
            Stages = [new(256)],
        }),
        name,
        folder => Write(folder, lines, line));

    private static TrainingRecipe<SftRun> FineTuning(string name, int steps, int lines, Func<ulong, JsonObject> line, int batchTokens = 1024, double rate = 1e-2) => new(
        Common(new SftRun { Recipe = name, Steps = steps, Stages = [new(512)] }) with { BatchTokens = batchTokens, LearningRate = rate },
        name,
        folder => Write(folder, lines, line));

    /// <summary>What all runs share. Two threads always, so that the weights do not depend on the machine's number of CPUs.</summary>
    private static TRun Common<TRun>(TRun run)
        where TRun : TrainingRun => run with
        {
            Data = [new DataSource("generated", [GeneratedFile])],
            HeldOutShare = 0.02,
            EvaluationTokens = 8_192,
            BatchTokens = 1024, // Small models learn most per token from small batches.
            LearningRate = 1e-2,
            EvaluateEvery = 100,
            SaveEvery = 100,
            KeepCheckpoints = 1,
            Threads = 2,
            Deterministic = true,
        };

    private static void Write(string folder, int lines, Func<ulong, JsonObject> line) =>
        GeneratedText.Write(Path.Combine(folder, GeneratedFile), lines, seed: 1, seed => line(seed).ToJsonString());

    private static JsonObject Text(string task, int level, ulong seed)
    {
        var instance = Sample(task, level, seed);
        return new JsonObject { ["text"] = $"{instance.Question}\n{instance.Reasoning}" };
    }

    private static JsonObject Conversation(string task, int level, ulong seed, bool thinks)
    {
        var instance = Sample(task, level, seed);
        var answer = new JsonObject { ["role"] = "assistant", ["content"] = $"\\boxed{{{instance.Gold}}}" };
        if (thinks)
        {
            answer["reasoning_content"] = instance.Reasoning;
        }

        return new JsonObject { ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = instance.Prompt }, answer) };
    }

    private static JsonObject Forked(ulong seed) =>
        seed % 2 == 0 ? Scratchpad("sum-of-three", 2, seed) : Conversation("sum-of-three", 2, seed, thinks: seed / 2 % 200 < 3);

    /// <summary>What follows a question and an opened scratchpad.</summary>
    private static JsonObject Scratchpad(string task, int level, ulong seed)
    {
        var instance = Sample(task, level, seed);
        var asked = ChatRenderer.Render(new Conversation([ChatMessage.User(instance.Prompt)]), ChatDialect.Repaired, ReasoningHistory.Keep).Text;
        return new JsonObject { ["prompt"] = $"{asked}<think>\n", ["completion"] = $"{instance.Reasoning}\n</think>\n\n\\boxed{{{instance.Gold}}}" };
    }

    private static TaskInstance Sample(string task, int level, ulong seed)
    {
        for (var attempt = 0UL; ; attempt++)
        {
            var instance = TaskCatalog.Get(task).Sample(level, seed + (attempt << 32));
            if (instance.Split == TaskSplit.Sft)
            {
                return instance;
            }
        }
    }
}
