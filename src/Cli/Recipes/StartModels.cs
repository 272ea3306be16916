using System.Text.Json.Nodes;
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

    private static TrainingRecipe<SftRun> FineTuning(string name, int steps, int lines, Func<ulong, JsonObject> line) => new(
        Common(new SftRun { Recipe = name, Steps = steps, Stages = [new(512)] }),
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
